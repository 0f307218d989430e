package terminal

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// Signal sends what a key sends, SIGINT, SIGQUIT or SIGTSTP, to whoever has the
// foreground of the command's terminal.
func (t *Terminal) Signal(sent syscall.Signal) {
	_ = unix.IoctlSetInt(t.ours, unix.TIOCSIG, int(sent)) // nobody may be left
}
