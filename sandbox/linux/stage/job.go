//go:build linux

package stage

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/control"
	"openclaw/sandbox/linux/spawn"
)

// Command is the command of a cage, to the process that it is started from: the
// stage, or the keeper of a reduced cage.
type Command struct {
	Program, Dir           string
	Arguments, Environment []string
	Foreground             bool // of this process's terminal, is the command's
}

// StartError is why a command could not be started.
type StartError struct {
	Err     error
	Command bool // it is about the command itself
}

func (e *StartError) Error() string { return e.Err.Error() }
func (e *StartError) Unwrap() error { return e.Err }

// Start starts the command from the calling thread, and returns its process and a
// descriptor of it. Where there is a terminal it leads a group: this process is the
// parent that its group needs in another one of the session, to be no orphan that no
// key can stop (POSIX.1-2017, 3.264). Otherwise it leads a session, which this process is
// not in; see Ear.
func (c *Command) Start() (pid, pidfd int, err error) {
	descriptor := int32(-1)
	options := spawn.Options{
		Program: c.Program, Arguments: c.Arguments, Environment: c.Environment, Dir: c.Dir,
		Files: []int{0, 1, 2}, TerminalFD: -1, PIDFD: &descriptor, CgroupFD: -1, Leads: spawn.Session,
	}
	if leads() {
		options.Leads = spawn.Group
		if c.Foreground {
			options.TerminalFD = TerminalFD
		}
	}
	syscall.ForkLock.Lock()
	pid, failed := spawn.Start(&options)
	syscall.ForkLock.Unlock()
	if failed != nil {
		if pid > 0 {
			_, _ = unix.Wait4(pid, nil, 0, nil) // it says nothing more
			_ = unix.Close(int(descriptor))
		}
		return 0, -1, &StartError{Err: syscall.Errno(failed.Errno), Command: failed.Step >= spawn.Enter}
	}
	if descriptor < 0 {
		return 0, -1, &StartError{Err: errors.New("the kernel gives no process descriptor")}
	}
	return pid, int(descriptor), nil
}

// leads reports whether this process leads a session, which then has a terminal.
func leads() bool {
	session, err := unix.Getsid(0)
	return err == nil && session == os.Getpid()
}

// Heed does what a message of the supervisor's asks of the command's process or its
// group; ear is what this process hears itself. A number that is another process's by
// now is one of the cage's: signals from here reach no other.
func Heed(conn *control.Conn, ear *Ear, message control.Message, pid int) {
	switch message.Kind {
	case KindSignal:
		var wanted Signal
		if message.Decode(&wanted) != nil {
			return
		}
		to := pid
		if wanted.Group {
			group, err := unix.Getpgid(pid)
			if err != nil {
				return // it has ended
			}
			to = -group
		}
		if wanted.Unheard {
			ear.pass(to, syscall.Signal(wanted.Number), wanted.Since)
			return
		}
		_ = unix.Kill(to, syscall.Signal(wanted.Number))
	case KindResume:
		var wanted Resume
		if message.Decode(&wanted) == nil {
			resume(pid, wanted.Foreground)
			_ = conn.Send(KindResumed, nil) // the supervisor may have gone
		}
	}
}

// resume has the command go on. Its terminal's foreground is given to it when nobody
// has it, and taken back from nobody else: a shell inside has jobs of its own.
func resume(pid int, foreground bool) {
	group, err := unix.Getpgid(pid)
	if err != nil {
		return // it has ended
	}
	if now, err := unix.IoctlGetInt(TerminalFD, unix.TIOCGPGRP); err == nil {
		own := unix.Getpgrp()
		switch {
		case foreground && (now == own || now == pid):
			_ = unix.IoctlSetPointerInt(TerminalFD, unix.TIOCSPGRP, group)
		case !foreground && (now == group || now == pid):
			_ = unix.IoctlSetPointerInt(TerminalFD, unix.TIOCSPGRP, own)
		}
	}
	_ = unix.Kill(-group, unix.SIGCONT)
	if group != pid { // a shell has made one of its own, and left the first
		_ = unix.Kill(-pid, unix.SIGCONT)
	}
}
