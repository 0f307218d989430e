//go:build linux

package keeper

import (
	"errors"
	"fmt"
	"io"
	"os/signal"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/harden"
	"openclaw/sandbox/linux/seccomp"
	"openclaw/sandbox/linux/stage"
)

// started is the command's process, or why there is none.
type started struct {
	pid   int
	pidfd int
	err   error
}

// command starts the command and stays until it ends, and all the rest with
// it.
func (k *keeper) command() (int, error) {
	if err := harden.Limit(k.setup.MaxFileSize); err != nil {
		return exitFailed, fail("set limits", err)
	}
	done := make(chan started)
	harden.OwnThread(func() { k.start(done) })
	child := <-done
	_ = unix.Close(k.ruleset)
	if child.err != nil {
		return exitRefused, child.err
	}
	if child.pid == 0 {
		err := k.conn.Send(stage.KindExited, stage.Exited{}) // only the proof was wanted
		k.end()
		return 0, err
	}
	err := k.conn.Send(stage.KindStarted, nil, child.pidfd)
	_ = unix.Close(child.pidfd)
	if err != nil {
		return exitFailed, err
	}
	if err := k.settle(); err != nil {
		return exitFailed, fail("settle keeper", err)
	}
	k.ear.Follow(child.pid)
	stage.Share(child.pid)
	go k.listen(child.pid)
	return k.reap(child.pid)
}

// start runs on a thread of its own, which gives up everything, forks the
// command, and ends.
func (k *keeper) start(done chan<- started) {
	child, err := k.startHere()
	if err != nil {
		child.err = err
	}
	done <- child
}

func (k *keeper) startHere() (started, error) {
	if err := harden.Restrict(k.ruleset); err != nil {
		return started{}, fail("give up rights", err)
	}
	if err := k.testLandlock(); err != nil {
		return started{}, fail("test Landlock", err)
	}
	if err := k.filter(); err != nil {
		return started{}, err
	}
	if err := k.testConnection(); err != nil {
		f := fail("serve calls", err)
		f.Missing, f.Hint = true, stage.SupervisedHint
		return started{}, f
	}
	if err := k.testCalls(); err != nil {
		return started{}, fail("serve calls", err)
	}
	if err := k.call(stage.KindTested, stage.Tested{Proofs: k.proofs, Calls: true}); err != nil {
		return started{}, err
	}
	if k.setup.Program == "" {
		return started{}, nil
	}
	command := stage.Command{
		Program: k.setup.Program, Arguments: k.setup.Arguments, Environment: k.setup.Environment,
		Dir: k.setup.Dir, Foreground: k.setup.Foreground,
	}
	k.ear.Forget()
	pid, pidfd, err := command.Start()
	if err != nil {
		return started{}, fail("start command", err)
	}
	return started{pid: pid, pidfd: pidfd}, nil
}

func (k *keeper) filter() error {
	program, err := seccomp.Build(seccomp.Options{Notify: true, Reduced: true, Internet: k.setup.Internet, SizeLimit: k.setup.MaxFileSize})
	if err != nil {
		return fail("install call filter", err)
	}
	listener, err := seccomp.Install(program, true)
	if err != nil {
		return fail("install call filter", err)
	}
	err = k.call(stage.KindListener, nil, listener)
	_ = unix.Close(listener)
	return err
}

// listen passes signals on. When the supervisor has gone, it ends everything.
func (k *keeper) listen(pid int) {
	for {
		message, err := k.conn.Receive()
		if err != nil {
			k.domain.killAll()
			return
		}
		message.CloseFiles()
		stage.Heed(k.conn, k.ear, message, pid)
	}
}

// reap waits for the command, and for every orphan meanwhile. When it or the
// guard has ended, everything does.
func (k *keeper) reap(pid int) (int, error) {
	for {
		var status unix.WaitStatus
		ended, err := unix.Wait4(-1, &status, unix.WUNTRACED, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return exitFailed, fail("wait for command", err)
		}
		if status.Stopped() {
			if by, job := stage.Stopped(ended, status); job && ended == pid {
				_ = k.conn.Send(stage.KindStopped, stage.Signal{Number: int(by)})
			}
			continue
		}
		if status.Signaled() && status.Signal() == unix.SIGXFSZ {
			_ = k.conn.Send(stage.KindLimit, stage.Limit{PID: ended, Signal: int(unix.SIGXFSZ)})
		}
		if ended == k.guard {
			f := fail("keep the run together", errors.New("the process that watches over the run was ended from outside"))
			f.Hint = "run the command again"
			_ = k.conn.Send(stage.KindFailed, f.Failed)
			k.domain.killAll()
			k.guard = 0
			continue // until the command has been reaped
		}
		if ended != pid {
			continue
		}
		exited := stage.Exited{Code: status.ExitStatus()}
		if status.Signaled() {
			exited = stage.Exited{Code: 128 + int(status.Signal()), Signal: int(status.Signal())}
		}
		err = k.conn.Send(stage.KindExited, exited)
		if errors.Is(err, unix.EPIPE) || errors.Is(err, io.EOF) {
			err = nil // the supervisor has gone; so will this process
		}
		k.end()
		return exited.Code, err
	}
}

// end ends every other process of the run, and waits for it: all of them are
// children of this one by now, or of one that is.
func (k *keeper) end() {
	for {
		k.domain.killAll()
		_, err := unix.Wait4(-1, nil, 0, nil)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// settle makes the keeper as small as it can be: nothing of the user's stays
// open, and its memory is nobody's to read. Before, the supervisor had to read
// there what the self-test called; the command's own domain has never allowed
// it to look here.
func (k *keeper) settle() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("hide from tracing: %w", err)
	}
	signal.Ignore(unix.SIGTTOU) // it may say who has the foreground from behind
	return harden.LetGoOfTerminal()
}
