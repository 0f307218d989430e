package nonblock

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/nettest"
	"golang.org/x/sys/unix"
)

// pair is two ends of a connection, as Go gives them.
func pair(t *testing.T, network, address string) (here, there net.Conn) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	here, err = (&net.Dialer{}).DialContext(t.Context(), network, listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	there, err = listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		here.Close()
		there.Close()
	})
	return here, there
}

// called is c by direct calls, under the race detector too.
func called(t *testing.T, c net.Conn) net.Conn {
	t.Helper()
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	return newConn(c, raw)
}

// What golang.org/x/net asks of every net.Conn holds.
func TestConnIsANetConn(t *testing.T) {
	for network, address := range map[string]string{"tcp": "127.0.0.1:0", "unix": filepath.Join(t.TempDir(), "s")} {
		t.Run(network, func(t *testing.T) {
			nettest.TestConn(t, func() (one, other net.Conn, stop func(), err error) {
				one, other = pair(t, network, address)
				one, other = called(t, one), called(t, other)
				return one, other, func() {
					one.Close()
					other.Close()
				}, nil
			})
		})
	}
}

// A write that the peer reads slowly, and that takes many calls, arrives whole, beside
// one in the other direction.
func TestWritesArriveWhole(t *testing.T) {
	here, there := pair(t, "tcp", "127.0.0.1:0")
	here, there = called(t, here), called(t, there)
	sent := make([]byte, 9<<20+1)
	if _, err := rand.Read(sent); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for _, ends := range [][2]net.Conn{{here, there}, {there, here}} {
		group.Go(func() {
			if n, err := ends[0].Write(sent); err != nil || n != len(sent) {
				t.Errorf("%d written: %v", n, err)
			}
		})
		group.Go(func() {
			got := make([]byte, len(sent))
			if _, err := io.ReadFull(ends[1], got); err != nil || !bytes.Equal(got, sent) {
				t.Errorf("another text arrived: %v", err)
			}
		})
	}
	group.Wait()
}

// Writes of many goroutines do not run into each other.
func TestWritesStayApart(t *testing.T) {
	here, there := pair(t, "tcp", "127.0.0.1:0")
	here = called(t, here)
	const size, writers = 1 << 20, 4
	var group sync.WaitGroup
	for i := range writers {
		group.Go(func() {
			if _, err := here.Write(bytes.Repeat([]byte{byte(i)}, size)); err != nil {
				t.Error(err)
			}
		})
	}
	got := make([]byte, size)
	for range writers {
		if _, err := io.ReadFull(there, got); err != nil || !bytes.Equal(got, bytes.Repeat(got[:1], size)) {
			t.Fatalf("two writes are mixed: %v", err)
		}
	}
	group.Wait()
}

// What fails says so as Go's own connection does, which net/http looks at.
func TestFailuresAreGos(t *testing.T) {
	buffer := make([]byte, 1<<20)
	past := time.Unix(1, 0)
	fill := func(c net.Conn) error { // until there is no room
		for {
			if _, err := c.Write(buffer); err != nil {
				return err
			}
		}
	}
	read := func(c net.Conn) error { _, err := c.Read(buffer); return err }
	for name, test := range map[string]struct {
		before func(c, peer net.Conn)
		act    func(net.Conn) error
		is     error
	}{
		"read after the deadline":  {func(c, _ net.Conn) { _ = c.SetReadDeadline(past) }, read, os.ErrDeadlineExceeded},
		"write after the deadline": {func(c, _ net.Conn) { _ = c.SetWriteDeadline(past) }, fill, os.ErrDeadlineExceeded},
		"no room until then":       {func(c, _ net.Conn) { _ = c.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)) }, fill, os.ErrDeadlineExceeded},
		"nothing until then":       {func(c, _ net.Conn) { _ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)) }, read, os.ErrDeadlineExceeded},
		"read of a closed one":     {func(c, _ net.Conn) { _ = c.Close() }, read, net.ErrClosed},
		"write to a closed one":    {func(c, _ net.Conn) { _ = c.Close() }, fill, net.ErrClosed},
		"read after the end":       {func(_, peer net.Conn) { _ = peer.Close() }, read, io.EOF},
		"read after a reset":       {reset, read, syscall.ECONNRESET},
		"write after a reset":      {reset, fill, syscall.ECONNRESET},
	} {
		t.Run(name, func(t *testing.T) {
			of := func(way func(*testing.T, net.Conn) net.Conn) (text string, err error) {
				here, there := pair(t, "tcp", "127.0.0.1:0")
				test.before(here, there)
				err = test.act(way(t, here))
				return strings.NewReplacer(here.LocalAddr().String(), "HERE", here.RemoteAddr().String(), "THERE").Replace(err.Error()), err
			}
			wanted, gos := of(func(_ *testing.T, c net.Conn) net.Conn { return c })
			text, err := of(called)
			if !errors.Is(gos, test.is) || !errors.Is(err, test.is) {
				t.Errorf("%v; Go says %v", err, gos)
			}
			var one, other net.Error
			if errors.As(gos, &one) != errors.As(err, &other) || one != nil && one.Timeout() != other.Timeout() {
				t.Errorf("%#v; Go says %#v", err, gos)
			}
			if text != wanted {
				t.Errorf("%s; Go says %s", text, wanted)
			}
		})
	}
}

// reset has the peer end the connection with an RST, and waits for it.
func reset(c, peer net.Conn) {
	_ = peer.(*net.TCPConn).SetLinger(0)
	_ = peer.Close()
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(descriptor uintptr) { // a look by a read would take the reset away
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(descriptor), Events: unix.POLLIN}}, 20_000)
	})
}

// Only what is Go's own is taken: what embeds it may do more in its calls.
func TestOfTakesGosOwn(t *testing.T) {
	here, _ := pair(t, "tcp", "127.0.0.1:0")
	if _, is := Of(here).(*conn); is != direct {
		t.Errorf("%T, where direct calls are %t", Of(here), direct)
	}
	embedding := struct{ *net.TCPConn }{here.(*net.TCPConn)}
	if Of(embedding) != net.Conn(embedding) {
		t.Error("one that embeds Go's was taken")
	}
	one, _ := net.Pipe()
	if Of(one) != one {
		t.Error("a pipe of this process was taken")
	}
}

func TestReadsAllocateNothing(t *testing.T) {
	here, there := pair(t, "tcp", "127.0.0.1:0")
	here, there = called(t, here), called(t, there)
	text := make([]byte, 100)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := here.Write(text); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(there, text); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations for a write and a read", n)
	}
}
