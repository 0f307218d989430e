package terminal

import "golang.org/x/sys/unix"

const (
	getRequest = unix.TCGETS
	setRequest = unix.TCSETS
	disabled   = 0 // a key that is none (_POSIX_VDISABLE)
)
