package vault

import (
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// quietly runs use on one thread to which the scheduler sends no signal meanwhile: for
// each the kernel writes the registers, and with them a key, to a stack of the
// runtime's that nobody wipes. A kernel that refuses makes it no less correct.
func quietly(use func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var preempt, before unix.Sigset_t
	preempt.Val[0] = 1 << (syscall.SIGURG - 1) // the first 32 signals are in the first word everywhere
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &preempt, &before); err == nil {
		defer func() { _ = unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil) }()
	}
	use()
}
