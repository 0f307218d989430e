package sandbox

import (
	"math/rand/v2"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The holder of a socket is found while it moves it to another number, as a shell does
// that has just opened it.
func TestOwnerOfASocketThatMoves(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	raw, err := listener.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	at := -1
	if err := raw.Control(func(fd uintptr) { at, err = unix.Dup(int(fd)) }); err != nil {
		t.Fatal(err)
	}
	local := tableAddress(listener.Addr().(*net.TCPAddr).AddrPort())
	_ = listener.Close() // from here on one number has it
	for range 200 {      // what lies below it makes the look long
		other, err := unix.FcntlInt(uintptr(at), unix.F_DUPFD_CLOEXEC, 3)
		if err == nil {
			err = unix.Dup3(int(null.Fd()), other, unix.O_CLOEXEC)
		}
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = unix.Close(other) }()
	}
	i := newIdentity(os.Getpid())
	defer i.close()
	took := time.Millisecond
	for n := range 500 {
		moved := make(chan int)
		from, wait := at, rand.N(took)
		go func() {
			for begin := time.Now(); time.Since(begin) < wait; {
				continue // a sleep would be longer
			}
			to, err := unix.FcntlInt(uintptr(from), unix.F_DUPFD_CLOEXEC, 400)
			if err != nil {
				t.Error(err)
			}
			_ = unix.Close(from)
			moved <- to
		}()
		begin := time.Now()
		pid := i.socketOwner("tcp", local)
		took = time.Since(begin)
		if at = <-moved; pid != os.Getpid() {
			t.Fatalf("look %d: the process %d has it, and %d was found", n, os.Getpid(), pid)
		}
	}
	_ = unix.Close(at)
	if pid := i.socketOwner("tcp", local); pid != 0 {
		t.Errorf("nobody has it, and %d was found", pid)
	}
}
