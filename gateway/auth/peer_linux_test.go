package auth

import (
	"bufio"
	"crypto/rand"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestPeerIsThisProcess(t *testing.T) {
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	client, err := net.DialUnix("unix", nil, listener.Addr().(*net.UnixAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	server, err := listener.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	peer, err := PeerOf(server)
	if err != nil || peer.PID != os.Getpid() || int(peer.UID) != os.Geteuid() {
		t.Fatal(peer, err)
	}
}

// The environment of the child that TestPeersFromElsewhereAreRefused starts.
const (
	peerSocket   = "OPENCLAW_TEST_PEER_SOCKET"
	peerStranger = "OPENCLAW_TEST_PEER_STRANGER" // it becomes another user first
)

// A process of another user namespace, as whatever is in a cage is, is not the owner,
// though it has the owner's uid; nor is another user who can reach the socket.
func TestPeersFromElsewhereAreRefused(t *testing.T) {
	if address := os.Getenv(peerSocket); address != "" {
		connectAsPeer(t, address)
		return
	}
	uid, gid := os.Geteuid(), os.Getegid()
	rows := map[string]struct {
		change func(*exec.Cmd)
		want   string
	}{
		"the owner": {func(*exec.Cmd) {}, ""},
		"another user namespace": {func(c *exec.Cmd) {
			c.SysProcAttr = &syscall.SysProcAttr{
				Cloneflags:  syscall.CLONE_NEWUSER,
				UidMappings: []syscall.SysProcIDMap{{HostID: uid, Size: 1}}, GidMappings: []syscall.SysProcIDMap{{HostID: gid, Size: 1}},
			}
		}, "lives in another user namespace"},
	}
	if uid == 0 { // who else can become somebody else?
		rows["another user"] = struct {
			change func(*exec.Cmd)
			want   string
		}{func(c *exec.Cmd) { c.Env = append(c.Env, peerStranger+"=1") }, "user 65534 is not the gateway's owner"}
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			// Without a file: whoever knows the name may connect.
			listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: "@openclaw-test-" + rand.Text(), Net: "unix"})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = listener.Close() }()
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPeersFromElsewhereAreRefused$")
			child.Env = append(os.Environ(), peerSocket+"="+listener.Addr().String())
			row.change(child)
			hold, err := child.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := child.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := child.Start(); err != nil {
				if child.SysProcAttr != nil && os.Getenv("OPENCLAW_TEST_REQUIRE") != "all" {
					t.Skip("this machine gives no user namespace:", err)
				}
				t.Fatal(err)
			}
			defer func() { _ = hold.Close(); _ = child.Wait() }() // it ends with its input
			lines := bufio.NewReader(out)
			if line, err := lines.ReadString('\n'); err != nil || line != "connected\n" {
				t.Fatalf("the child says %q: %v", line, err)
			}
			server, err := listener.AcceptUnix()
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = server.Close() }()
			peer, err := PeerOf(server)
			switch {
			case row.want == "" && (err != nil || peer.PID != child.Process.Pid):
				t.Errorf("refused: %+v %v", peer, err)
			case row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)):
				t.Errorf("%+v %v", peer, err)
			}
		})
	}
}

// connectAsPeer is the child: it connects, says so, and stays until its input ends.
func connectAsPeer(t *testing.T, address string) {
	t.Helper()
	if os.Getenv(peerStranger) != "" {
		if err := syscall.Setuid(65534); err != nil {
			t.Fatal(err)
		}
	}
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: address, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := os.Stdout.WriteString("connected\n"); err != nil {
		t.Fatal(err)
	}
	_, _ = os.Stdin.Read(make([]byte, 1)) // its end
}
