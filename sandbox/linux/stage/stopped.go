//go:build linux

package stage

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// Stopped is the signal by which a child was stopped as a job is, if it was. Only such
// a stop may be told: the supervisor stops with the command, and sends whoever shares
// its job the same signal.
//
// A process may make its parent its tracer (PTRACE_TRACEME), which the kernel asks no
// parent about; it then stops on whatever signal it sends itself. The calling thread
// must be the process's first one, which the kernel takes for the parent: it lets go of
// such a child, and the signal does what it would have done.
func Stopped(pid int, status unix.WaitStatus) (by syscall.Signal, ok bool) {
	by = status.StopSignal()
	_, _, errno := unix.RawSyscall6(unix.SYS_PTRACE, unix.PTRACE_DETACH, uintptr(pid), 0, uintptr(by), 0, 0)
	if !errors.Is(errno, unix.ESRCH) {
		return 0, false
	}
	// Otherwise it is traced after all, by another thread.
	return by, by == unix.SIGSTOP || by == unix.SIGTSTP || by == unix.SIGTTIN || by == unix.SIGTTOU
}
