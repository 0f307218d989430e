//go:build linux

package control

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

// What was handed to the kernel is closed by it, however many there are, and is
// the caller's no more. Its collector may leave them to the turn after, which the close
// of another socket brings about.
func TestCollect(t *testing.T) {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(pipe[0]) }()
	writers := []int{pipe[1]}
	for range maxRights + 50 {
		fd, err := unix.FcntlInt(uintptr(pipe[1]), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		writers = append(writers, fd)
	}
	set := []unix.PollFd{{Fd: int32(pipe[0]), Events: unix.POLLIN}}
	if n, err := unix.Poll(set, 0); n != 0 || err != nil {
		t.Fatalf("closed before: %d %v", n, err)
	}
	Collect(writers...)
	for range 200 {
		n, err := unix.Poll(set, 100)
		if err != nil && !errors.Is(err, unix.EINTR) {
			t.Fatal(err)
		}
		if n == 1 && set[0].Revents&unix.POLLHUP != 0 {
			return
		}
		other, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		closeAll(other[:])
	}
	t.Errorf("never closed: %#x", set[0].Revents)
}
