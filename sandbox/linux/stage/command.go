//go:build linux

package stage

import (
	"errors"
	"fmt"
	"io"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/control"
	"openclaw/sandbox/linux/harden"
	"openclaw/sandbox/linux/resident"
)

// started is the command's process, or why there is none.
type started struct {
	pid   int
	pidfd int
	err   error
}

// settled is when init gives its program's pages back, and does what else can wait. A
// command that is over before would only wait for it, or beside it.
const settled = 200 * time.Millisecond

// command starts the command and stays as the cage's init until it ends.
func (s *stage) command() (int, error) {
	if err := harden.Limit(s.setup.MaxFileSize); err != nil {
		return exitFailed, fail("set limits", err)
	}
	done := make(chan started)
	harden.OwnThread(func() { s.start(done) })
	child := <-done
	if child.err != nil {
		return exitRefused, child.err
	}
	if child.pid == 0 {
		return 0, s.conn.Send(KindExited, Exited{}) // only the proof was wanted
	}
	err := s.conn.Send(KindStarted, nil, child.pidfd)
	_ = unix.Close(child.pidfd)
	if err != nil {
		return exitFailed, err
	}
	if err := harden.LetGoOfTerminal(); err != nil {
		return exitFailed, fail("settle init", err)
	}
	if leads() {
		signal.Ignore(unix.SIGTTOU) // it may say who has the foreground from behind
	}
	s.ear.Follow(child.pid)
	go s.listen(child.pid)
	time.AfterFunc(settled, func() {
		Share(child.pid)
		resident.LeaveProgram()
	})
	return s.reap(child.pid)
}

// start runs on a thread of its own, which gives up everything, forks the
// command, and ends.
func (s *stage) start(done chan<- started) {
	child, err := s.startHere()
	if err != nil {
		child.err = err
	}
	done <- child
}

func (s *stage) startHere() (started, error) {
	if err := s.giveUp(); err != nil {
		return started{}, err
	}
	if err := s.testCalls(); err != nil {
		return started{}, fail("serve calls", err)
	}
	if err := testConnection(); err != nil {
		f := fail("serve calls", err)
		f.Missing, f.Hint = true, SupervisedHint
		return started{}, f
	}
	if err := s.builder.Left(); err != nil {
		return started{}, fail("build mounts", err)
	}
	s.prove("mount namespace", "the old root is gone")
	if err := s.call(KindTested, Tested{Proofs: s.proofs, Gate: s.setup.GateProbe != "", Calls: s.setup.CallProbe != ""}); err != nil {
		return started{}, err
	}
	if s.setup.Program == "" {
		return started{}, nil
	}
	return s.run()
}

// run starts the command.
func (s *stage) run() (started, error) {
	command := Command{
		Program: s.setup.Program, Arguments: s.setup.Arguments, Environment: s.setup.Environment,
		Dir: s.setup.Dir, Foreground: s.setup.Foreground,
	}
	s.ear.Forget()
	pid, pidfd, err := command.Start()
	if err != nil {
		return started{}, fail("start command", err)
	}
	return started{pid: pid, pidfd: pidfd}, nil
}

// listen passes signals on. When the supervisor has gone, it ends everything.
func (s *stage) listen(pid int) {
	for {
		message, err := s.conn.Receive()
		if err != nil {
			// Every process of the cage but this one; the wait then ends.
			_ = unix.Kill(-1, unix.SIGKILL)
			return
		}
		message.CloseFiles()
		switch message.Kind {
		case KindSignal, KindResume:
			Heed(s.conn, s.ear, message, pid)
		case KindBind, KindUnbind:
			if err := s.bind(message); err != nil {
				_ = unix.Kill(-1, unix.SIGKILL)
				return
			}
		case KindCover, KindForget:
			if err := s.cover(message); err != nil {
				_ = unix.Kill(-1, unix.SIGKILL)
				return
			}
		case KindLook:
			if err := s.look(message); err != nil {
				_ = unix.Kill(-1, unix.SIGKILL)
				return
			}
		case KindOpen:
			if err := s.openAgain(message); err != nil {
				_ = unix.Kill(-1, unix.SIGKILL)
				return
			}
		case KindFill:
			if err := s.fill(message); err != nil {
				_ = unix.Kill(-1, unix.SIGKILL)
				return
			}
		case KindRenew:
			if err := s.renew(); err != nil {
				f := fail("cover denied paths again", err)
				f.Hint = "start the run again: what is there now is covered from its start"
				_ = s.conn.Send(KindFailed, f.Failed)
				_ = unix.Kill(-1, unix.SIGKILL)
				return
			}
		}
	}
}

// renew puts back the masks that the kernel let go of.
func (s *stage) renew() error {
	s.masking.Lock()
	defer s.masking.Unlock()
	if s.cleared {
		return nil
	}
	renewed, err := s.masks.Renew()
	if err == nil && len(renewed) > 0 && s.setup.Nested {
		// A namespace that a program made has the file uncovered for good.
		err = fmt.Errorf("%q was replaced from outside, and a nested sandbox may see it", renewed[0])
	}
	if err == nil && len(renewed) > 0 {
		err = s.conn.Send(KindRenewed, Renewed{Paths: renewed})
	}
	return err
}

// reap waits for the command, and for every orphan meanwhile.
func (s *stage) reap(pid int) (int, error) {
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
			if by, job := Stopped(ended, status); job && ended == pid {
				_ = s.conn.Send(KindStopped, Signal{Number: int(by)})
			}
			continue
		}
		if status.Signaled() && status.Signal() == unix.SIGXFSZ {
			_ = s.conn.Send(KindLimit, Limit{PID: ended, Signal: int(unix.SIGXFSZ)})
		}
		if ended != pid {
			continue
		}
		exited := Exited{Code: status.ExitStatus()}
		if status.Signaled() {
			exited = Exited{Code: 128 + int(status.Signal()), Signal: int(status.Signal())}
		}
		err = s.conn.Send(KindExited, exited)
		if errors.Is(err, unix.EPIPE) || errors.Is(err, io.EOF) {
			err = nil // the supervisor has gone; so will this process
		}
		s.clear()
		return exited.Code, err
	}
}

// clear ends what the command left behind, as the kernel would when init ends,
// so that nobody is left who could see the gate go. In the kernel's hands it
// would take longer.
func (s *stage) clear() {
	_ = unix.Kill(-1, unix.SIGKILL)
	for {
		if _, err := unix.Wait4(-1, nil, unix.WALL, nil); err != nil && !errors.Is(err, unix.EINTR) {
			break
		}
	}
	s.masking.Lock()
	defer s.masking.Unlock()
	s.cleared = true
	s.masks.Release()
	leaveMounts()
}

// leaveMounts has the kernel take the cage's mounts apart in a thread of its own
// once this process, the last in their namespace, has ended. It would do so before
// it tells of the end, and wait for a grace period.
func leaveMounts() {
	fd, err := unix.Open("/proc/self/ns/mnt", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err == nil { // otherwise it takes a little longer
		control.Collect(fd)
	}
}
