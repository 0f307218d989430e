//go:build linux

package seccomp

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/policy"
)

// PairCall is the call that the filter hands over when a pair of datagram sockets
// is asked for. Each end could be sent to any socket that has a path, by a name in
// memory where a filter cannot see it; the handler must make a pair that keeps to
// itself, and hand that over, or refuse (LeaveToHandler).
const PairCall = "socketpair"

func pairShape() shape { return shape{PairCall, policy.ClassNet, -1, -1, -1, -1, -1, -1} }

// onDatagramPair hands a pair over; the reduced mode has nobody who could write
// the numbers of its descriptors for the caller.
func onDatagramPair(o Options) []unix.SockFilter {
	if !o.Notify || o.Reduced {
		return nil
	}
	return ifEqual(1, socketTypes, unix.SOCK_DGRAM, notify(o))
}

// install puts a file among the program's descriptors, which waits in its call, and
// returns its number there. The caller keeps the file.
func (l *Listener) install(id uint64, descriptor int, closeOnExec bool) (int, error) {
	add := addDescriptor{id: id, source: uint32(descriptor)}
	if closeOnExec {
		add.newFlags = unix.O_CLOEXEC
	}
	for {
		number, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(l.fd), ioctlAddDescriptor, uintptr(unsafe.Pointer(&add))) //nolint:gosec // the kernel reads during the call
		switch {
		case errno == 0:
			return int(number), nil
		case errors.Is(errno, unix.EINTR):
		case errors.Is(errno, unix.EMFILE):
			return -1, unix.EMFILE
		default:
			return -1, unix.EACCES
		}
	}
}
