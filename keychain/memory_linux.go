package keychain

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// HideMemory makes what this process holds its own: no other process of its user
// may trace it, read its memory or its environment (PR_SET_DUMPABLE 0, prctl(2)
// and ptrace(2)), and no core is written, to a file or into a pipe. Root and who
// has CAP_SYS_PTRACE may all the same. It may be called again, and from any
// goroutine; it holds for the whole process until the next execve, so programs
// that are started from here are not hidden.
//
// While it holds, the owner of the process's files in /proc is root: a process
// that is not root's cannot write the uid_map of a child that it clones, so who
// starts a cage hides after the start.
//
// OPENCLAW_TRACEABLE in the environment keeps a process traceable, and then the
// error says so.
func HideMemory() error {
	if err := WriteNoCore(); err != nil {
		return err
	}
	if os.Getenv(TraceableVariable) != "" {
		return &MemoryError{Op: "hide memory", Err: errors.New(TraceableVariable + " is set"), Hint: "unset it: with it every program of this user can read the keys in this process"}
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return &MemoryError{Op: "hide memory", Err: err, Hint: "a seccomp filter of a service manager or a container may refuse prctl"}
	}
	return nil
}

// ShowMemory takes HideMemory back, for a process that holds no secret any more and
// starts a cage; core files stay off.
func ShowMemory() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0); err != nil {
		return &MemoryError{Op: "show memory", Err: err}
	}
	return nil
}

// MemoryHidden reports whether HideMemory holds, by the kernel's word.
func MemoryHidden() bool {
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	return err == nil && dumpable == 0
}
