package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Signal sends a signal to the command. SIGKILL ends the whole cage.
func (p *Process) Signal(wanted os.Signal) error {
	number, ok := wanted.(syscall.Signal)
	if !ok {
		return &Error{Op: "send signal", Err: fmt.Errorf("%v is not a signal of this system", wanted)}
	}
	if number == syscall.SIGKILL {
		p.kill()
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pidfd < 0 {
		return os.ErrProcessDone
	}
	if err := unix.PidfdSendSignal(p.pidfd, number, nil, 0); err != nil {
		if errors.Is(err, unix.ESRCH) {
			return os.ErrProcessDone
		}
		return &Error{Op: "send signal", Err: err}
	}
	return nil
}

// RelaySignals makes this process behave as the command's stand-in until stop is
// called: a request to end or a hang-up is passed on. The keys that interrupt and quit
// are ignored here where they reach the command by itself, as one of this process's
// group, and otherwise passed on as well: on a terminal of the run's own, or when
// another program sent that signal to this process alone. Of a run on a terminal
// nothing is lost that came since its command started. Who was started with such a key
// ignored, as a script's job in the background is, ignores it.
func (p *Process) RelaySignals() (stop func()) {
	var heard chan os.Signal
	if p.job != nil && p.job.begun {
		heard = p.job.passed
	} else {
		heard = make(chan os.Signal, 8)
		signal.Notify(heard, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
		for _, key := range []os.Signal{syscall.SIGINT, syscall.SIGQUIT} {
			if !signal.Ignored(key) {
				signal.Notify(heard, key)
			}
		}
	}
	quit := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		for {
			select {
			case <-quit:
				return
			case one := <-heard:
				if sent := one.(syscall.Signal); sent == syscall.SIGINT || sent == syscall.SIGQUIT {
					p.job.signal(p, sent)
				} else {
					_ = p.Signal(sent) // the command may have ended already
					if p.job != nil && p.job.alone.Load() {
						_ = p.Signal(syscall.SIGCONT) // it stays stopped, and would not hear it
					}
				}
			}
		}
	})
	return sync.OnceFunc(func() {
		signal.Stop(heard)
		close(quit)
		running.Wait()
	})
}
