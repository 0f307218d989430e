package terminal

import (
	"os"

	"golang.org/x/sys/unix"
)

const (
	getRequest = unix.TIOCGETA
	inputCount = 0x4004667f // FIONREAD of sys/filio.h
	setRequest = unix.TIOCSETA
	disabled   = 0xff // a key that is none (_POSIX_VDISABLE)
)

// reopen: on macOS /dev/fd/N is the same description again.
func reopen(file *os.File) (fd int, own bool) { return int(file.Fd()), false }

// replace makes a descriptor one of another file, in one step.
func replace(fd, with int) error {
	if err := unix.Dup2(with, fd); err != nil {
		return err
	}
	unix.CloseOnExec(fd)
	return nil
}
