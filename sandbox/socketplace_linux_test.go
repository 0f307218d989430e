package sandbox_test

import (
	"net"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// taker is handed two sockets and connects them to what the machine listens at.
const taker = `
import socket, sys
way = socket.socket(socket.AF_UNIX)
way.connect(sys.argv[1])
_, sockets, _, _ = socket.recv_fds(way, 1, 2)
for number, to in zip(sockets, ("\0" + sys.argv[2], ("127.0.0.1", int(sys.argv[3])))):
    try:
        socket.socket(fileno=number).connect(to)
        print("connected", end=" ")
    except OSError as error:
        print(error.strerror, end=" ")
`

// A socket of the machine's network, which somebody outside hands to a program of a
// cage, is connected to nothing there: neither to a name without a path nor to a port.
func TestHandedInSocketReachesNothing(t *testing.T) {
	w := newWorld(t).allow("project")
	listen := func(network, name string) net.Listener {
		listener, err := net.Listen(network, name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Close() })
		return listener
	}
	way := listen("unix", w.path("project/way"))
	abstract := strings.ReplaceAll(w.path("abstract"), "/", "-")
	listen("unix", "@"+abstract)
	port := listen("tcp", "127.0.0.1:0").Addr().(*net.TCPAddr).Port
	handed := make(chan error, 1)
	go func() { handed <- handIn(way.(*net.UnixListener)) }()
	_, wait := start(t, w.spec("python3", "-c", taker, w.path("project/way"), abstract, strconv.Itoa(port)))
	res := wait()
	_ = way.Close() // it may not have come
	if err := <-handed; err != nil {
		t.Fatal(err)
	}
	if res.out != "Permission denied Permission denied " || len(res.denials) != 2 {
		t.Errorf("out %q, err %q, denials %q", res.out, res.err, w.brief(res.denials))
	}
}

// handIn gives who connects a local socket and one of TCP.
func handIn(way *net.UnixListener) error {
	conn, err := way.AcceptUnix()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	var sockets []int
	for _, family := range []int{unix.AF_UNIX, unix.AF_INET} {
		fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer func() { _ = unix.Close(fd) }()
		sockets = append(sockets, fd)
	}
	_, _, err = conn.WriteMsgUnix([]byte{0}, unix.UnixRights(sockets...), nil)
	return err
}
