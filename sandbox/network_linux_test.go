package sandbox_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"testing"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// serve answers every connection to a port of the host's loopback.
func serve(t *testing.T, answer string) netip.AddrPort {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveEach(t, listener, func(conn net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
			return
		}
		_, _ = fmt.Fprintf(conn, "HTTP/1.0 200 OK\r\n\r\n%s\n", answer)
	})
	return netip.MustParseAddrPort(listener.Addr().String())
}

// serveEach answers every connection to a listener until the test ends.
func serveEach(t *testing.T, listener net.Listener, answer func(net.Conn)) {
	t.Helper()
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer func() { _ = conn.Close() }()
				answer(conn)
			})
		}
	})
	t.Cleanup(func() { _ = listener.Close(); serving.Wait() })
}

// ask is a shell function: ask HOST PORT prints the last line of the answer.
const ask = `ask() { exec 9<>/dev/tcp/$1/$2 || return; printf 'GET / HTTP/1.0\r\nHost: %s\r\n\r\n' $1 >&9; tail -1 <&9; exec 9>&-; }; `

func needBash(t *testing.T) {
	t.Helper()
	_, err := exec.LookPath("bash")
	require(t, err == nil, "bash is not installed")
}

func mechanismsOf(report sandbox.Report) []string {
	var names []string
	for _, m := range report.Mechanisms {
		if m.Enforced && m.Purpose != "" {
			names = append(names, m.Name)
		}
	}
	return names
}

func netDenials(t *testing.T, list []sandbox.Denial) []string {
	t.Helper()
	var seen []string
	for _, d := range list {
		seen = append(seen, d.Operation+" "+d.Target)
		if d.Class != policy.ClassNet || d.PID == 0 || d.Program == "" || d.Rule == "" {
			t.Errorf("incomplete denial %+v", d)
		}
	}
	return seen
}

// Without network_access only the gateway's endpoint is there, at its own
// address; nothing else of the host's loopback is.
func TestNetworkClosed(t *testing.T) {
	needBash(t)
	w := newWorld(t)
	gateway, other := serve(t, "gateway"), serve(t, "other")
	spec := w.spec("bash", "-c", ask+`ask 127.0.0.1 $1; ask 127.0.0.1 $2; ask 192.0.2.1 80; getent hosts example.com; cat /proc/net/dev | wc -l`, "bash",
		strconv.Itoa(int(gateway.Port())), strconv.Itoa(int(other.Port())))
	spec.Gateway = gateway
	_, wait := start(t, spec)
	res := wait()
	if res.out != "gateway\n3\n" {
		t.Errorf("out %q, err %q", res.out, res.err)
	}
	if seen := netDenials(t, res.denials); !slices.Equal(seen, []string{"connect 192.0.2.1:80", "resolve example.com"}) {
		t.Errorf("denials %q", seen)
	}
}

// A program that knows nothing of proxies reaches what the policy names, and
// nothing else; each refusal is seen once, with who did it.
func TestNetworkOpen(t *testing.T) {
	needBash(t)
	ways(t, testNetworkOpen)
}

func testNetworkOpen(t *testing.T, way string) {
	t.Helper()
	w := newWorld(t)
	gateway, allowed, other := serve(t, "gateway"), serve(t, "allowed"), serve(t, "other")
	yes := true
	w.perms.NetworkAccess = &yes
	w.perms.Network = &policy.Network{
		AllowOutbound: &yes, AllowedDomains: []string{"allowed.test"}, AllowedIPs: []string{allowed.String()},
	}
	spec := w.spec("bash", "-c", ask+`ask 127.0.0.1 $1; ask allowed.test $2; ask 127.0.0.1 $2; ask 127.0.0.1 $3; ask denied.test 80; ask 192.0.2.1 80; ask allowed.test $3`, "bash",
		strconv.Itoa(int(gateway.Port())), strconv.Itoa(int(allowed.Port())), strconv.Itoa(int(other.Port())))
	spec.Gateway = gateway
	var mu sync.Mutex
	var connections []sandbox.Connection
	spec.Connected = func(c sandbox.Connection) {
		mu.Lock()
		defer mu.Unlock()
		connections = append(connections, c)
	}
	_, wait := startBy(t, way, spec)
	res := wait()
	if shown := mechanismsOf(res.report); !slices.Contains(shown, way) || slices.Contains(shown, "redirect") != (way == "redirect") {
		t.Errorf("mechanisms %q", shown)
	}
	if res.out != "gateway\nallowed\nallowed\n" {
		t.Errorf("out %q, err %q", res.out, res.err)
	}
	want := []string{"resolve denied.test", "connect 192.0.2.1:80", fmt.Sprintf("connect allowed.test:%d", other.Port())}
	if seen := netDenials(t, res.denials); !slices.Equal(seen, want) {
		t.Errorf("denials %q, want %q", seen, want)
	}
	opened := map[string]bool{}
	for _, c := range connections {
		opened[c.Target] = true
		if c.PID == 0 || c.Program == "" || c.Agent != "coder" || c.Run != "run-1" || c.ID == "" {
			t.Errorf("incomplete connection %+v", c)
		}
	}
	if !opened[fmt.Sprintf("allowed.test:%d", allowed.Port())] {
		t.Errorf("connections %+v", connections)
	}
}

// A socket with a path behind the gate is refused and seen; so the session's
// bus and the container engine are out of reach.
func TestSocketPath(t *testing.T) {
	const python = "/usr/bin/python3"
	_, err := os.Stat(python)
	require(t, err == nil, python+" is not there")
	w := newWorld(t).allow("project")
	for _, name := range []string{"other/bus", "project/own"} {
		listener, err := net.Listen("unix", w.path(name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Close() })
	}
	if err := os.Symlink(w.path("other/bus"), w.path("project/link")); err != nil {
		t.Fatal(err)
	}
	const script = `import socket, sys
for name in sys.argv[1:]:
    try:
        socket.socket(socket.AF_UNIX).connect(name); print("connected")
    except OSError as e: print(e.strerror)`
	_, wait := start(t, w.spec(python, "-c", script, w.path("other/bus"), w.path("project/own"), w.path("project/link"), w.path("other/none")))
	res := wait()
	if res.out != "Permission denied\nconnected\nPermission denied\nNo such file or directory\n" {
		t.Errorf("out %q, err %q", res.out, res.err)
	}
	if got := w.brief(res.denials); len(got) < 2 || got[0] != "path.write connect ~/other/bus" {
		t.Errorf("denials %q", got)
	}
}
