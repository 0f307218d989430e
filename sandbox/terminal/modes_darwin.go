package terminal

import "golang.org/x/sys/unix"

const (
	getRequest = unix.TIOCGETA
	setRequest = unix.TIOCSETA
	disabled   = 0xff // a key that is none (_POSIX_VDISABLE)
)
