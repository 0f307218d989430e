//go:build linux

package network

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A signal, of which the Go runtime sends some at any time, does not end a connection that
// is being made.
func TestConnectGoesOnAfterASignal(t *testing.T) {
	for range 5 { // a machine that has too much to do may take none of them in time, or all too early
		err := connectUnderSignals(t)
		if errors.Is(err, unix.EINTR) {
			t.Fatal(err)
		}
		if err == nil {
			return
		}
		t.Log(err)
	}
	t.Error("no connection was made")
}

// connectUnderSignals makes a connection that takes a second, while signals come.
func connectUnderSignals(t *testing.T) error {
	t.Helper()
	listener, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(listener) }()
	if err := unix.Bind(listener, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(listener, 0); err != nil { // one waits, and the next is made once that is taken
		t.Fatal(err)
	}
	name, err := unix.Getsockname(listener)
	if err != nil {
		t.Fatal(err)
	}
	address := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(name.(*unix.SockaddrInet4).Port))
	first, err := connect(unix.SOCK_STREAM, address)
	if err != nil {
		return err
	}
	defer first.close()

	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	thread, done := unix.Gettid(), make(chan struct{})
	go func() {
		defer close(done)
		for range 10 {
			time.Sleep(2 * time.Millisecond)
			_ = unix.Tgkill(unix.Getpid(), thread, unix.SIGURG)
		}
		if taken, _, err := unix.Accept(listener); err == nil {
			_ = unix.Close(taken)
		}
	}()
	begin := time.Now()
	second, err := connect(unix.SOCK_STREAM, address)
	<-done
	if err != nil {
		return err
	}
	second.close()
	if took := time.Since(begin); took < 500*time.Millisecond { // all signals came before it was begun
		return fmt.Errorf("it was made after %v: no signal came in between", took)
	}
	return nil
}
