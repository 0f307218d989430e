package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A port that is taken is named with who holds it, whoever starts the gateway,
// and starting works as soon as it is free.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	port := p.configure("agents:\n  coder: {}\n")
	holder, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close()
	words := []string{
		fmt.Sprintf("listen on 127.0.0.1:%d: the port is held by", port), fmt.Sprintf("pid %d", os.Getpid()),
		fmt.Sprintf("kill %d", os.Getpid()), "gateway.port",
	}
	refusedStart(t, p.openclaw("gateway"), 1, words...)
	refusedStart(t, p.openclaw("agent", "run", "coder", "--", "true"), 126, words...)
	refusedStart(t, p.openclaw("tui", "--plain"), 1, words...)
	if _, err := os.Lstat(filepath.Join(p.home, ".openclaw", "run", "gateway.sock")); err == nil {
		t.Error("a socket of a gateway that never ran is left")
	}
	holder.Close()
	p.gateway()
}

// Of many gateways that start at once exactly one runs. The others say which,
// and leave it alone.
func TestGatewaysAtOnce(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	p.configure("agents:\n  coder: {}\n")
	var all []*child
	for range 6 {
		all = append(all, p.spawn(nil, nil, "gateway"))
	}
	p.eventually("one that answers", func() bool {
		conn, err := p.dial()
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	pid := p.gatewayPID()
	for _, one := range all {
		if one.pid() == pid {
			continue
		}
		if code := one.wait(); code != 1 {
			t.Errorf("another ended with %d: %s", code, one.errors())
		}
		says(t, one.errors(), "openclaw: ", "already runs", "openclaw tui", "openclaw gateway stop")
	}
	refusedStart(t, p.openclaw("gateway"), 1, "already runs", "pid "+strconv.Itoa(pid))
	if now := p.overview(); now.PID != pid || now.Agents != 1 {
		t.Errorf("the first one is %+v", now)
	}
	if verified := p.openclaw("audit", "verify"); verified.code != 0 {
		t.Errorf("the audit log: %s%s", verified.out, verified.errors)
	}
}

// Many programs that each need a gateway start one, not many.
func TestRunsThatStartAGatewayAtOnce(t *testing.T) {
	t.Parallel()
	requireCage(t)
	p := newPerson(t)
	p.configure("agents:\n  coder: {}\n")
	var all []*child
	for range 4 {
		all = append(all, p.spawn(nil, nil, "agent", "run", "coder", "--", "sh", "-c", "exit 3"))
	}
	for _, one := range all {
		if code := one.wait(); code != 3 {
			t.Errorf("a run ended with %d: %s", code, one.errors())
		}
	}
	if runs := p.runs("coder"); len(runs) != len(all) {
		t.Errorf("the one gateway knows of %d runs", len(runs))
	}
}

// A state folder that is none ends every command with its name and a cure.
func TestStateFolderThatIsNone(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	write(t, filepath.Join(p.home, ".openclaw"), "a file\n")
	for _, one := range []struct {
		code int
		args []string
	}{{1, []string{"gateway"}}, {1, []string{"tui", "--plain"}}, {126, []string{"agent", "run", "coder", "--", "true"}}} {
		refusedStart(t, p.openclaw(one.args...), one.code, ".openclaw", "not a directory", "check ")
	}
	if text, err := os.ReadFile(filepath.Join(p.home, ".openclaw")); err != nil || string(text) != "a file\n" {
		t.Errorf("the file holds %q %v", text, err)
	}
}

// full is a shell script that begins with a state folder on a file system of
// its own and the means to fill it.
const full = `
	state=$HOME/.openclaw; mkdir -p "$state"
	mount -t tmpfs -o size=2m,mode=700 none "$state" || exit 99
	ip link set lo up
	fill() { # to the last byte, and to the last byte of each file that grows
		dd if=/dev/zero of="$state/fill" bs=64k 2>/dev/null
		dd if=/dev/zero of="$state/fill.last" bs=1 count=4096 2>/dev/null
		for i in $(seq 40); do "$1" gateway status >/dev/null 2>&1; done
	}
	empty() { rm -f "$state/fill" "$state/fill.last"; }
	up() { for i in $(seq 300); do "$1" gateway status >/dev/null 2>&1 && return; sleep 0.02; done; echo "NEVER UP"; }
	say() { echo "== $1"; shift; "$@" 2>&1; echo "status $?"; }
`

// part is what one step of a script said.
func part(t *testing.T, out, step string) string {
	t.Helper()
	_, rest, found := strings.Cut(out, "== "+step+"\n")
	if !found {
		t.Fatalf("no step %q:\n%s", step, out)
	}
	text, _, _ := strings.Cut(rest, "\n== ")
	return text
}

// On a full disk a first start says so and leaves nothing half made.
func TestFirstStartOnAFullDisk(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	got := p.inNamespaces("--net", full+`
		fill "$1"
		say gateway "$1" gateway
		say screen "$1" tui --plain
		say run "$1" agent run coder -- true
		say left find "$state" -type f -size +0 ! -name 'fill*'
		empty
		"$1" gateway & gateway=$!
		up "$1"
		say after "$1" gateway status
		"$1" gateway stop; wait $gateway`)
	for _, step := range []string{"gateway", "screen", "run"} {
		words := part(t, got.out, step)
		says(t, words, "openclaw: ", "no space left on device", "disk is not full")
		if strings.Contains(words, "status 0") {
			t.Errorf("%s started: %s", step, words)
		}
	}
	if left := part(t, got.out, "left"); strings.Contains(left, "/") {
		t.Errorf("left behind: %s", left)
	}
	says(t, part(t, got.out, "after"), "running", "status 0")
}

// A disk that fills up under a running gateway stops what must be on record,
// and takes nothing: the config, the secrets and the audit log are whole, and
// once there is room all of it works again.
func TestDiskFullUnderARunningGateway(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	p.environ = append(p.environ, "FIRST=value-of-the-first", "SECOND=value-of-the-second")
	got := p.inNamespaces("--net", full+`
		printf 'agents:\n  coder: {}\n' > "$state/config.yaml"; chmod 600 "$state/config.yaml"
		"$1" gateway & gateway=$!
		up "$1"
		say init "$1" vault init --key-file
		say store "$1" secrets set first --from-env FIRST
		cp "$state/config.yaml" "$HOME/before.yaml"
		fill "$1"
		say status "$1" gateway status
		say secret "$1" secrets set second --from-env SECOND
		say edit "$1" agent create reviewer
		say run "$1" agent run coder -- true
		say config cmp "$state/config.yaml" "$HOME/before.yaml"
		say old "$1" secrets test first
		empty
		say list "$1" secrets list
		say first "$1" secrets test first
		say again "$1" secrets set second --from-env SECOND
		say edited "$1" agent create reviewer
		say verify "$1" audit verify
		say left find "$state" -name '*tmp*' -o -name '.*.[0-9]*'
		kill -9 $gateway; wait $gateway 2>/dev/null
		"$1" gateway & gateway=$!
		up "$1"
		say kept "$1" secrets test second
		say agents "$1" agent list
		"$1" gateway stop; wait $gateway`)
	for _, step := range []string{"secret", "edit", "run", "old"} {
		words := part(t, got.out, step)
		says(t, words, "openclaw: ")
		if strings.Contains(words, "status 0") || !strings.Contains(words, "space") && !strings.Contains(words, "disk") {
			t.Errorf("%s on a full disk: %s", step, words)
		}
	}
	for _, step := range []string{"init", "store", "status", "config", "list", "first", "again", "edited", "verify", "kept", "agents"} {
		if words := part(t, got.out, step); !strings.Contains(words, "status 0") {
			t.Errorf("%s: %s", step, words)
		}
	}
	says(t, part(t, got.out, "list"), "first")
	says(t, part(t, got.out, "agents"), "coder", "reviewer")
	if left := part(t, got.out, "left"); strings.Contains(left, "/") {
		t.Errorf("left behind: %s", left)
	}
}
