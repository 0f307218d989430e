package sandbox_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// socketsVariable makes the test program do what doSockets does.
const socketsVariable = "OPENCLAW_TEST_SOCKETS"

// Sockets within a cage work as they do outside: with a path and without, waiting
// and not, where the listener's queue is full, and where nobody listens.
func TestSocketsBehave(t *testing.T) {
	w := newWorld(t).allow("project")
	program := w.tool()
	want := doSockets(w.path("other"))
	spec := w.spec(program)
	spec.Env = append(spec.Env, socketsVariable+"="+w.path("project"), "GORACE=atexit_sleep_ms=0")
	_, wait := start(t, spec)
	res := wait()
	if got := strings.Split(strings.TrimSpace(res.out), "\n"); !slices.Equal(got, want) || len(want) < 9 || len(res.denials) != 0 {
		t.Errorf("in the cage: %q\non the host: %q\n%s %q", got, want, res.err, w.brief(res.denials))
	}
}

func doSockets(dir string) []string {
	var lines []string
	say := func(what string, values ...any) {
		lines = append(lines, fmt.Sprint(append([]any{what, ": "}, values...)...))
	}
	for _, name := range []string{filepath.Join(dir, "socket"), fmt.Sprintf("/tmp/openclaw-%d", os.Getpid()), fmt.Sprintf("@openclaw-%d", os.Getpid())} {
		for _, kind := range []string{"unix", "unixpacket"} {
			listener, err := net.Listen(kind, name)
			if err != nil {
				say("listen", errno(err))
				continue
			}
			go func() {
				if conn, err := listener.Accept(); err == nil {
					_, _ = conn.Write([]byte("hello"))
					_ = conn.Close()
				}
			}()
			conn, err := net.Dial(kind, name)
			text := make([]byte, 10)
			n := 0
			if err == nil {
				n, _ = conn.Read(text)
				_ = conn.Close()
			}
			_ = listener.Close()
			say("connect", string(text[:n]), errno(err))
		}
	}
	full := filepath.Join(dir, "full")
	listener, _ := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	say("full queue", unix.Bind(listener, &unix.SockaddrUnix{Name: full}), unix.Listen(listener, 0))
	var clients []int
	try := func(flags int) error {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|flags, 0)
		if err != nil {
			return err
		}
		clients = append(clients, fd)
		return unix.Connect(fd, &unix.SockaddrUnix{Name: full})
	}
	say("first", try(0), try(unix.SOCK_NONBLOCK))
	done := make(chan error, 1)
	go func() { done <- try(0) }()
	select {
	case err := <-done:
		say("did not wait", err)
	case <-time.After(100 * time.Millisecond):
		_, _, _ = unix.Accept(listener)
		say("waited", <-done)
	}
	_ = unix.Close(listener)
	say("nobody listens", try(0))
	_, err := net.Dial("unix", filepath.Join(dir, "nothing"))
	say("nothing there", errno(err))
	_, err = net.Dial("unix", filepath.Join(dir, "file"))
	say("no socket", errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ECONNREFUSED))
	return lines
}

// A socket of the host's is reached where the agent may write, and refused and
// reported where it may not.
func TestSocketsOfTheHost(t *testing.T) {
	w := newWorld(t).allow("project").allowRead("other").deny("project/secret")
	answer := func(name string) {
		listener, err := net.Listen("unix", w.path(name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Close() })
	}
	answer("project/deep/s")
	answer("other/s")
	answer("project/secret/s")
	answer(".ssh/agent")
	perl := `use Socket; for (@ARGV) { socket(my $s, AF_UNIX, SOCK_STREAM, 0) or die; print connect($s, pack_sockaddr_un($_)) ? "yes " : "no " }`
	spec := w.spec("perl", "-e", perl, w.path("project/deep/s"), w.path("other/s"), w.path("project/secret/s"), w.path(".ssh/agent"), w.path("project/../other/s"))
	_, wait := start(t, spec)
	res := wait()
	if res.out != "yes no no no no " || len(res.denials) < 3 {
		t.Errorf("out %q, err %q, denials %q", res.out, res.err, w.brief(res.denials))
	}
}
