//go:build linux || darwin

package sandbox

import (
	"fmt"
	"syscall"
)

// startFailed is what a person is told when the kernel did not start the command
// inside its cage: execve(2) says which errno means what.
func startFailed(errno syscall.Errno, command string) *Error {
	e := &Error{Op: "start command", Kind: KindFailed, Err: fmt.Errorf("%s: %w", command, errno)}
	switch errno {
	case syscall.ENOENT, syscall.ENOTDIR:
		e.Kind = KindNotFound
		e.Hint = "the program, or the interpreter that its first line names, is not there inside the cage"
	case syscall.ENOEXEC:
		e.Hint = "it is no program for this processor, nor a script whose first line names its interpreter, such as #!/bin/sh"
	case syscall.E2BIG:
		e.Hint = "its arguments and its environment together are longer than the kernel takes: hand them over in a file"
	case syscall.ENOMEM, syscall.EAGAIN:
		e.Hint = "the limits of this agent or of your user (memory, processes) leave no room for it"
	default:
		e.Kind = KindPolicy
		e.Hint = "the program lies where this agent may not execute; see the denial"
	}
	return e
}
