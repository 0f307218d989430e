//go:build linux

package control

import "golang.org/x/sys/unix"

// maxRights is the kernel's SCM_MAX_FD, less one.
const maxRights = 252

// Collect takes files over and has them closed by the kernel later, in a thread of
// its own. It is for what takes the kernel long to take apart and nobody waits for: an
// inotify instance waits for an SRCU grace period (5 to 30 ms measured), a mount
// that is attached nowhere for an expedited RCU one (0.2 to 1 ms, and 5 ms on a
// busy machine).
//
// The files are sent into a socket that only its own queue refers to, which is
// for the kernel's collector of such sockets (unix(7), net/unix/garbage.c). Up to
// Linux 6.9 that ran in the closing thread; then it takes as long as without. Since
// then one that is at work at that moment may leave them to its next turn, which is
// when a program of the machine closes another socket of this kind.
// The collector may run as soon as that socket is closed, so the descriptors are
// closed before.
func Collect(fds ...int) {
	if len(fds) == 0 {
		return
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		closeAll(fds)
		return
	}
	defer closeAll(pair[:])
	for len(fds) > 0 {
		n := min(len(fds), maxRights)
		rights := unix.UnixRights(append([]int{pair[1]}, fds[:n]...)...)
		if unix.Sendmsg(pair[0], []byte{0}, rights, nil, unix.MSG_NOSIGNAL) != nil {
			closeAll(fds) // too many are under way: this close is the last one
			return
		}
		closeAll(fds[:n])
		fds = fds[n:]
	}
}

func closeAll(fds []int) {
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
}
