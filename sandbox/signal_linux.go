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

// RelaySignals makes this process behave as the command's stand-in on a
// terminal until stop is called: the keys that interrupt and quit reach the
// command by the terminal itself and are ignored here; a request to end or a
// hang-up is passed on.
func (p *Process) RelaySignals() (stop func()) {
	keys := make(chan os.Signal, 1)
	signal.Notify(keys, syscall.SIGINT, syscall.SIGQUIT)
	others := make(chan os.Signal, 4)
	signal.Notify(others, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	quit := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		for {
			select {
			case <-quit:
				return
			case key := <-keys:
				p.job.signal(key.(syscall.Signal)) // in the background of a terminal it reaches this process alone
			case wanted := <-others:
				_ = p.Signal(wanted) // the command may have ended already
			}
		}
	})
	return sync.OnceFunc(func() {
		signal.Stop(keys)
		signal.Stop(others)
		close(quit)
		running.Wait()
	})
}
