package terminal

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

const (
	getRequest = unix.TCGETS
	inputCount = unix.TIOCINQ
	setRequest = unix.TCSETS
	disabled   = 0 // a key that is none (_POSIX_VDISABLE)
)

// reopen opens the person's terminal for this process alone. Of two readers that were
// both told of a key one would wait in a blocking read for the next, which may be
// somebody else's. Where it cannot be opened again, as another user's, it is read as it
// was given.
func reopen(file *os.File) (fd int, own bool) {
	fd, err := unix.Open("/proc/self/fd/"+strconv.Itoa(int(file.Fd())), unix.O_RDONLY|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return int(file.Fd()), false
	}
	return fd, true
}

// replace makes a descriptor one of another file, in one step.
func replace(fd, with int) error { return unix.Dup3(with, fd, unix.O_CLOEXEC) }
