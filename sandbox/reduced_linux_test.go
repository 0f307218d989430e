package sandbox_test

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"openclaw/sandbox"
	"openclaw/sandbox/linux/harden"
	"openclaw/sandbox/policy"
)

// reduced makes the agent accept the reduced mode, which its cage then is in.
func (w *world) reduced() *world {
	w.t.Helper()
	requireReduced(w.t)
	w.perms.Enforce = policy.EnforceReduced
	return w
}

func requireReduced(tb testing.TB) {
	tb.Helper()
	require(tb, scoped(), "the reduced mode needs Landlock's scopes: Linux 6.12")
}

// scoped reports whether Landlock keeps signals and abstract sockets in a cage.
func scoped() bool {
	version, err := harden.LandlockVersion()
	return err == nil && version >= 6
}

// What a policy opens works, the rest is refused and seen.
func TestReducedFiles(t *testing.T) {
	w := newWorld(t).reduced().allow("project")
	res := w.sh(`cd ~/project; cat main.go && echo new > made && chmod 600 made && touch -d 2001-01-01 made; cat ~/other/notes.txt; echo x > ~/other/made;
		chmod 777 ~/other/notes.txt; touch -d 2001-01-01 ~/other; mv ~/other/notes.txt .; ln ~/other/notes.txt linked`)
	if !strings.HasPrefix(res.out, "package main") || w.read("project/made") != "new\n" || w.exists("other/made") || w.exists("project/linked") {
		t.Errorf("%q %q", res.out, res.err)
	}
	got := w.brief(res.denials)
	for _, want := range []string{
		"path.read open ~/other/notes.txt", "path.write create ~/other/made", "path.write chmod ~/other/notes.txt", "path.write utime ~/other",
		"path.write rename ~/other/notes.txt",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is not among %q", want, got)
		}
	}
	for _, d := range res.denials {
		if d.PID == 0 || d.Program == "" || d.Rule == "" {
			t.Errorf("%+v", d)
		}
	}
}

// Landlock lets a file or folder that is allowed by its own name be changed, and no name
// in the folder above it: that is told, as every refusal is.
func TestReducedTellsOfWhatOnlyLandlockRefuses(t *testing.T) {
	w := newWorld(t).reduced().allow("other/notes.txt", "project")
	res := w.sh(`cd ~; truncate -s 3 other/notes.txt && cat other/notes.txt; rm -f other/notes.txt; mv other/notes.txt project; mv -f project/main.go other/notes.txt; rmdir project; rm project/main.go && echo removed`)
	if res.out != "notremoved\n" || w.read("other/notes.txt") != "not" {
		t.Errorf("out %q, err %q", res.out, res.err)
	}
	got := w.brief(res.denials)
	for _, want := range []string{"path.write unlink ~/other/notes.txt", "path.write rename ~/other/notes.txt", "path.write rmdir ~/project"} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is not among %q", want, got)
		}
	}
}

// Who asks for memory, a semaphore or a queue by number is told that there are none, as on
// a kernel without them: on EACCES PostgreSQL's initdb tries the next number for ever. The
// person is told too.
func TestReducedHasNothingByNumber(t *testing.T) {
	w := newWorld(t).reduced().allow("project")
	res := w.sh(`perl -MErrno -MPOSIX -e 'sub says { print shift() ? "made " : $!{ENOSYS} ? "none " : "$! " }
		says(defined shmget(0xc1a, 56, 01600)); says(defined semget(0xc1a, 1, 01600)); says(defined msgget(0xc1a, 01600)); says(defined shmctl(1, 0, 0))'`)
	if res.out != "none none none none " {
		t.Errorf("out %q, err %q", res.out, res.err)
	}
	got := w.brief(res.denials)
	for _, want := range []string{"exec shmget memory by number", "exec semget a semaphore by number", "exec msgget a queue by number or name"} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is not among %q", want, got)
		}
	}
}

// What a reduced cage cannot hold is refused before anything runs.
func TestReducedRefusesToStart(t *testing.T) {
	for _, c := range []struct {
		name, says string
		change     func(w *world)
	}{
		{"a denied path inside", "project/secret lies inside it", func(w *world) { w.allow("project").deny("project/secret") }},
		{"a denied path inside that is not there yet", "project/later lies inside it", func(w *world) { w.allow("project").deny("project/later") }},
		{"a pattern", "a pattern may match inside it", func(w *world) { w.allow("project").deny("**/.env") }},
		{"a built-in denial inside", "inside it", func(w *world) { w.allow("") }},
		{"the terminals inside", "the person's terminals lie inside it", func(w *world) {
			w.perms.AllowedPaths = append(w.perms.AllowedPaths, policy.PathEntry{Path: "/dev"})
		}},
		{"a terminal", "the person's terminals lie inside it", func(w *world) {
			w.perms.AllowedPaths = append(w.perms.AllowedPaths, policy.PathEntry{Path: "/dev/pts"})
		}},
		{"less inside", "project/deep lies inside it", func(w *world) { w.allow("project").allowRead("project/deep") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t).reduced()
			c.change(w)
			_, _, err := tryStart(t, w.spec("true"))
			var typed *sandbox.Error
			if !errors.As(err, &typed) || typed.Kind != sandbox.KindPolicy || !strings.Contains(err.Error(), c.says) || !strings.Contains(typed.Hint, "openclaw doctor") {
				t.Errorf("%v (%s)", err, hintOf(err))
			}
		})
	}
	w := newWorld(t)
	cage, err := sandbox.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = cage.OnlyReduced().Start(t.Context(), w.spec("true"))
	if typed := (*sandbox.Error)(nil); !errors.As(err, &typed) || typed.Kind != sandbox.KindPolicy || !strings.Contains(typed.Hint, "enforce: reduced") {
		t.Errorf("strict, and started in the reduced mode: %v", err)
	}
}

// A policy that accepts the reduced mode gets the full cage where it can be had.
func TestReducedIsTheSecondChoice(t *testing.T) {
	w := newWorld(t).reduced()
	cage, err := sandbox.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	process, err := cage.Start(t.Context(), w.spec("true"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := process.Wait(); err != nil {
		t.Fatal(err)
	}
	if names := mechanisms(t, process.Report().Mechanisms); !slices.Contains(names, "mount namespace") {
		t.Errorf("%q", names)
	}
}

// The report says first that the mode is reduced, and why.
func TestReducedReport(t *testing.T) {
	res := newWorld(t).reduced().sh("true")
	first := res.report.Mechanisms[0]
	if first.Enforced || first.Name != "full cage" || !strings.Contains(first.Detail, "REDUCED MODE") || first.Fix == "" {
		t.Errorf("%+v", first)
	}
	held := 0
	for _, m := range res.report.Mechanisms {
		if m.Detail == "" || m.Purpose == "" || !m.Enforced && m.Fix == "" {
			t.Errorf("%+v", m)
		}
		if m.Enforced {
			held++
		}
	}
	if held < 9 {
		t.Errorf("%d are enforced", held)
	}
}

// Without a way out the gateway's endpoint is there, and nothing else.
func TestReducedNetworkClosed(t *testing.T) {
	needBash(t)
	w := newWorld(t).reduced()
	gateway, other := serve(t, "gateway"), serve(t, "other")
	spec := w.spec("bash", "-c", ask+`ask 127.0.0.1 $1; ask 127.0.0.1 $2; ask 192.0.2.1 80; ask ::1 $2; getent hosts example.com; echo $HTTP_PROXY`, "bash",
		strconv.Itoa(int(gateway.Port())), strconv.Itoa(int(other.Port())))
	spec.Gateway = gateway
	_, wait := start(t, spec)
	res := wait()
	if res.out != "gateway\n\n" {
		t.Errorf("out %q, err %q", res.out, res.err)
	}
	want := []string{"connect " + other.String(), "connect 192.0.2.1:80", "socket a UDP socket"} // to look up the name
	if seen := slices.Compact(netDenials(t, ofNet(res.denials))); !slices.Equal(seen, want) {
		t.Errorf("denials %q, want %q", seen, want)
	}
}

func ofNet(list []sandbox.Denial) []sandbox.Denial {
	return slices.DeleteFunc(slices.Clone(list), func(d sandbox.Denial) bool { return d.Class != policy.ClassNet })
}

// With one, names are reached through the proxy, and addresses that the policy
// names directly; each is judged as in a full cage.
func TestReducedNetworkOpen(t *testing.T) {
	needBash(t)
	w := newWorld(t).reduced()
	gateway, allowed, other := serve(t, "gateway"), serve(t, "allowed"), serve(t, "other")
	yes := true
	w.perms.NetworkAccess = &yes
	w.perms.Network = &policy.Network{
		AllowOutbound: &yes, AllowedDomains: []string{"allowed.test"}, AllowedIPs: []string{allowed.String()},
	}
	const proxied = `at=${HTTP_PROXY#http://}; token=$(printf %s ${at%@*} | base64 -w0); at=${at#*@};
		proxied() { exec 9<>/dev/tcp/${at%:*}/${at#*:} || return; printf 'GET http://%s/ HTTP/1.0\r\nHost: %s\r\nProxy-Authorization: Basic %s\r\n\r\n' $1 $1 $token >&9; tail -1 <&9; exec 9>&-; }; `
	spec := w.spec("bash", "-c", ask+proxied+`ask 127.0.0.1 $1; ask 127.0.0.1 $2; ask 127.0.0.1 $3; proxied allowed.test:$2; proxied denied.test:80; ask 192.0.2.1 80`, "bash",
		strconv.Itoa(int(gateway.Port())), strconv.Itoa(int(allowed.Port())), strconv.Itoa(int(other.Port())))
	spec.Gateway = gateway
	var mu sync.Mutex
	opened := map[string]bool{}
	spec.Connected = func(c sandbox.Connection) {
		mu.Lock()
		defer mu.Unlock()
		opened[c.Target] = true
		if c.PID == 0 || c.Program == "" || c.Agent != "coder" || c.Run != "run-1" || c.ID == "" {
			t.Errorf("incomplete connection %+v", c)
		}
	}
	_, wait := start(t, spec)
	res := wait()
	if want := "gateway\nallowed\nallowed\nopenclaw: denied.test:80 is refused: not in allowed_domains\n"; res.out != want {
		t.Errorf("out %q, err %q", res.out, res.err)
	}
	want := []string{"connect " + other.String(), "connect denied.test:80", "connect 192.0.2.1:80"}
	if seen := netDenials(t, ofNet(res.denials)); !slices.Equal(seen, want) {
		t.Errorf("denials %q, want %q", seen, want)
	}
	if !opened[allowed.String()] || !opened["allowed.test:"+strconv.Itoa(int(allowed.Port()))] {
		t.Errorf("connections %v", opened)
	}
}

// What the policy asks about is held; a yes gives the file itself.
func TestReducedAsk(t *testing.T) {
	w := newWorld(t).reduced()
	w.perms.Ask = []policy.Class{policy.ClassPathRead, policy.ClassPathWrite}
	spec := w.spec("sh", "-c", `cat ~/other/notes.txt; echo new > ~/other/made; cat ~/.bashrc; cat ~/.ssh/id_ed25519; ls ~/other`)
	var mu sync.Mutex
	var asked []string
	spec.Asker = asker(func(d sandbox.Denial) bool {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, d.Operation+" "+d.Target)
		return strings.Contains(d.Target, "/other")
	})
	_, wait := start(t, spec)
	res := wait()
	want := []string{"open " + w.path("other/notes.txt"), "create " + w.path("other/made"), "open " + w.path(".bashrc"), "opendir " + w.path("other")}
	if res.out != "notesmade\nnotes.txt\n" || !slices.Equal(asked, want) || w.read("other/made") != "new\n" {
		t.Errorf("out %q, err %q, asked %q", res.out, res.err, asked)
	}
	if got := w.brief(res.denials); !slices.Equal(got, []string{"path.read open ~/.bashrc", "path.read open ~/.ssh/id_ed25519"}) {
		t.Errorf("denials %q", got)
	}
}

// A program that Landlock does not open is refused with the reason, and nobody is
// asked for a yes that would do nothing. One that it opens is not.
func TestReducedAskNotForPrograms(t *testing.T) {
	w := newWorld(t).reduced().allow("project")
	w.perms.Ask = []policy.Class{policy.ClassExec}
	for _, name := range []string{"other/tool", "project/tool"} {
		w.write(name, "#!/bin/sh\necho ran\n")
		if err := os.Chmod(w.path(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	spec := w.spec("sh", "-c", "~/other/tool; echo $?; ~/project/tool")
	spec.Asker = asker(func(d sandbox.Denial) bool {
		t.Errorf("asked: %s %s", d.Operation, d.Target)
		return true
	})
	_, wait := start(t, spec)
	res := wait()
	if res.out != "126\nran\n" {
		t.Errorf("out %q, err %q", res.out, res.err)
	}
	if len(res.denials) != 1 || res.denials[0].Target != w.path("other/tool") || !strings.HasPrefix(res.denials[0].Rule, "reduced mode: no answer") {
		t.Errorf("denials %+v", res.denials)
	}
}

// Programs that people run do work.
func TestReducedPrograms(t *testing.T) {
	needBash(t)
	_, err := exec.LookPath("git")
	require(t, err == nil, "git is not installed")
	w := newWorld(t).reduced().allow("project")
	res := w.sh(`cd ~/project && git init -q . && git add main.go && git -c user.name=x -c user.email=x@x commit -qm one && git log --oneline | wc -l;
		ls -A $TMPDIR; f=$(mktemp) && echo ok > $f && cat $f; cat < /dev/stdin; echo err > /dev/stderr; cat /proc/self/comm; bash -c 'cat <(echo sub)'; nice -n 5 true; ls /proc/self/fd | tr '\n' ' '; echo; tar cf - main.go | tar xf - -C $TMPDIR && ls -l $TMPDIR/main.go | wc -l`)
	if res.out != "1\nok\ncat\nsub\n0 1 2 3 \n1\n" || res.err != "err\n" {
		t.Errorf("out %q, err %q, denied %q", res.out, res.err, w.brief(res.denials))
	}
}

func TestReducedAsOrdinaryUser(t *testing.T) {
	ordinary(t, "^TestReduced(Files|Programs|Ask|AskNotForPrograms|NetworkClosed|NetworkOpen|Report|RefusesToStart)$")
}

// A policy that narrows closes the network at once, and says of paths that a
// new run is needed.
func TestReducedUpdate(t *testing.T) {
	w := newWorld(t).reduced().allow("project")
	spec := w.spec("sh", "-c", "echo ready; until [ -e go ]; do sleep 0.05; done; cat ~/project/main.go")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	spec.Stdout = write
	process, wait := start(t, spec)
	_ = write.Close()
	out := bufio.NewReader(read)
	if line, err := out.ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("%q %v", line, err)
	}
	w.perms.AllowedPaths = nil
	next := w.policy()
	change, err := process.Update(next)
	if err != nil || len(change.NeedsRun) != 1 || !strings.Contains(change.NeedsRun[0], "reduced") {
		t.Errorf("%+v %v", change, err)
	}
	w.write(".openclaw/agents/coder/go", "")
	res := wait()
	if got := w.brief(res.denials); res.status.Code != 1 || !slices.Contains(got, "path.read open ~/project/main.go") {
		t.Errorf("%+v %q", res.status, got)
	}
	_ = read.Close()
}
