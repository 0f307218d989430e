// Package porttest hands tests TCP ports that nothing else of the machine takes
// before the test's gateway listens there.
//
// A port that the kernel chose and that was closed again may be given to the next
// one who asks, which with many tests at once does happen. These lie below the
// range that Linux gives away by itself (net.ipv4.ip_local_port_range), and each
// is held for the test by a UDP socket of the same number, which every user of the
// machine sees. It is for tests only.
package porttest

import (
	"context"
	"math/rand/v2"
	"net"
	"strconv"
)

const first, last = 20_000, 32_767 // openclaw's own 18789 lies below

// Testing is what is used of a *testing.T.
type Testing interface {
	Helper()
	Fatal(args ...any)
	Cleanup(do func())
}

// Free returns a port of 127.0.0.1 that nobody listens on. It is the test's until
// the test ends.
func Free(t Testing) int {
	t.Helper()
	port, release, err := Reserve()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return port
}

// Reserve is Free for what has no test: release gives the port back.
func Reserve() (port int, release func(), err error) {
	for range 1000 {
		port = first + rand.IntN(last-first+1)
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		var held net.PacketConn
		if held, err = (&net.ListenConfig{}).ListenPacket(context.Background(), "udp4", address); err != nil {
			continue
		}
		var listener net.Listener
		if listener, err = (&net.ListenConfig{}).Listen(context.Background(), "tcp4", address); err != nil {
			_ = held.Close()
			continue
		}
		_ = listener.Close()
		return port, func() { _ = held.Close() }, nil
	}
	return 0, nil, err
}
