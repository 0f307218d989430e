//go:build linux

package keeper

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/control"
	"openclaw/sandbox/linux/harden"
	"openclaw/sandbox/linux/seccomp"
	"openclaw/sandbox/linux/stage"
)

// Exit statuses of a keeper whose command did not run; a supervisor has the
// reason from the socket.
const (
	exitFailed  = 125
	exitRefused = 126
)

// failure is an error with what its reader needs.
type failure struct {
	stage.Failed
	err error
}

func (f *failure) Error() string { return f.Op + ": " + f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func fail(op string, err error) *failure {
	f := &failure{Failed: stage.Failed{Op: op, Error: err.Error()}, err: err}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		f.Errno = int(errno)
	}
	if typed, ok := errors.AsType[*harden.Error](err); ok {
		f.Hint, f.Missing = typed.Hint, typed.Kind == harden.KindMissing
	}
	if typed, ok := errors.AsType[*seccomp.Error](err); ok {
		f.Hint, f.Missing = typed.Hint, typed.Kind == seccomp.KindMissing
	}
	if typed, ok := errors.AsType[*stage.StartError](err); ok {
		f.Command = typed.Command
	}
	return f
}

type keeper struct {
	conn    *control.Conn
	setup   Setup
	ruleset int
	proofs  []stage.Proof
	domain  domain
	guard   int // the process that watches this one
	ear     *stage.Ear
}

// Run is the life of a part of a reduced cage. It returns the process's exit
// status. The calling goroutine must be the program's main one, before
// anything else has started.
func Run(name string) int {
	runtime.LockOSThread()
	switch name {
	case guardName:
		return guard()
	case kept:
		k := &keeper{conn: control.New(stage.ControlFD)}
		return k.run()
	}
	conn := control.New(stage.ControlFD)
	_ = conn.Send(stage.KindFailed, enter().Failed) // enter returns only when it failed
	return exitRefused
}

func (k *keeper) run() int {
	code, err := k.live()
	if err == nil {
		return code
	}
	var f *failure
	if !errors.As(err, &f) {
		f = fail("build cage", err)
	}
	_ = k.conn.Send(stage.KindFailed, f.Failed)
	k.domain.killAll()
	return exitRefused
}

// enter gives up every privilege, enters the keeper's domain and becomes the
// keeper.
func enter() *failure {
	if err := harden.NoNewPrivileges(); err != nil {
		return fail("give up rights", err)
	}
	if err := harden.DropCapabilities(); err != nil {
		return fail("give up rights", err)
	}
	if err := unix.Kill(unix.Getppid(), 0); err != nil {
		return fail("find supervisor", err)
	}
	if err := harden.RestrictScopesFirst(); err != nil {
		return fail("give up rights", err)
	}
	err := unix.Exec("/proc/self/exe", []string{kept}, os.Environ())
	return fail("start keeper", err)
}

// domain is the keeper's Landlock domain, once it has been proven that a
// signal from this process goes no further.
type domain struct{ proven bool }

// prove tries to look at the supervisor, which only the domain forbids: it has
// the same user, and the try worked before the domain was entered.
func (d *domain) prove(supervisor int) error {
	if err := unix.Kill(supervisor, 0); !errors.Is(err, unix.EPERM) {
		return fmt.Errorf("signal process %d outside: %w", supervisor, errOrNone(err))
	}
	d.proven = true
	return nil
}

// killAll ends every other process of the domain. Without the proof it would
// reach every process of the user, so it then does nothing.
func (d *domain) killAll() {
	if d.proven {
		_ = unix.Kill(-1, unix.SIGKILL)
	}
}

// seclude closes what was inherited and makes this process the parent of every
// orphan of the run.
func (k *keeper) seclude() error {
	unix.CloseOnExec(stage.ControlFD)
	if err := unix.CloseRange(stage.ControlFD+1, 1<<31-1, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("mark descriptors: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("take over orphans: %w", err)
	}
	// A program of the run may give this process's group the foreground of the terminal:
	// the keys are the command's. No key stops this process: nobody else of its session is
	// above it (POSIX.1-2017, 3.264).
	k.ear = stage.Listen()
	return nil
}

func (k *keeper) live() (int, error) {
	if err := k.seclude(); err != nil {
		return exitFailed, fail("prepare keeper", err)
	}
	if err := k.domain.prove(unix.Getppid()); err != nil {
		return exitFailed, fail("test signal scope", err)
	}
	message, err := k.conn.Receive()
	if err != nil {
		return exitFailed, err
	}
	if message.Kind != stage.KindSetup || len(message.Files) != 1 {
		message.CloseFiles()
		return exitFailed, fail("read set-up", fmt.Errorf("unexpected %q", message.Kind))
	}
	if err := message.Decode(&k.setup); err != nil {
		message.CloseFiles()
		return exitFailed, fail("read set-up", err)
	}
	k.ruleset = message.Files[0]
	k.prove("landlock scopes", fmt.Sprintf("a signal to the supervisor and a connection to its abstract socket were refused, Landlock version %d", k.setup.Landlock))
	if err := k.startGuard(); err != nil {
		return exitFailed, fail("start guard", err)
	}
	return k.command()
}

func (k *keeper) prove(name, detail string) {
	k.proofs = append(k.proofs, stage.Proof{Name: name, Detail: detail})
}

// call sends a message and waits for the supervisor to proceed.
func (k *keeper) call(kind string, body any, files ...int) error {
	if err := k.conn.Send(kind, body, files...); err != nil {
		return err
	}
	message, err := k.conn.Receive()
	if err != nil {
		return err
	}
	message.CloseFiles()
	if message.Kind != stage.KindProceed {
		return fail("wait for supervisor", fmt.Errorf("unexpected %q", message.Kind))
	}
	return nil
}

func errOrNone(err error) error {
	if err == nil {
		return errors.New("it worked")
	}
	return err
}
