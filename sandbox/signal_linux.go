package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/harden"
	"openclaw/sandbox/linux/stage"
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
// called: what it is sent is passed on. Without a terminal the cage's first process
// hears what is sent to this process's group and gives it to the command's, and what
// another program sent to this process alone goes to the command alone. Of a run on a
// terminal nothing is lost that came since its command started. Who was started with an
// interrupt or a hang-up ignored, as a script's job in the background or by nohup,
// ignores it, and so does the command.
func (p *Process) RelaySignals() (stop func()) {
	var heard chan os.Signal
	apart := p.job == nil || !p.job.begun
	if apart {
		heard = make(chan os.Signal, 64) // one that finds no room is lost
		notify(heard, relayed()...)
	} else {
		heard = p.job.passed
	}
	var s *stopOrder
	var stopping chan os.Signal
	hears, quit, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	harden.OwnThread(func() {
		defer close(done)
		if apart {
			s = hearStops()
			stopping = s.heard
		}
		close(hears)
		for {
			select {
			case <-quit:
				return
			case one := <-heard:
				if s != nil && !s.stands() { // it came later, and nobody who is stopped hears it
					p.goesOn(s)
				}
				p.relay(one.(syscall.Signal))
			case one := <-stopping:
				if !s.stands() {
					p.goesOn(s)
				} else if one == syscall.SIGTSTP {
					p.suspend(s)
				} // else the group has been told already
			}
		}
	})
	<-hears
	return sync.OnceFunc(func() {
		signal.Stop(heard)
		if stopping != nil {
			signal.Stop(stopping)
		}
		close(quit)
		<-done
	})
}

// relayed are the signals that are passed on.
func relayed() []os.Signal {
	return []os.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2}
}

// notify leaves ignored what is.
func notify(heard chan os.Signal, signals ...os.Signal) {
	for _, one := range signals {
		if !signal.Ignored(one) {
			signal.Notify(heard, one)
		}
	}
}

func (p *Process) relay(sent syscall.Signal) {
	switch {
	case p.job == nil:
		p.send(stage.Signal{Number: int(sent), Unheard: true})
	case sent == syscall.SIGINT || sent == syscall.SIGQUIT:
		p.job.signal(p, sent)
	default:
		_ = p.Signal(sent) // the command may have ended already
		if p.job.alone.Load() {
			_ = p.Signal(syscall.SIGCONT) // it stays stopped, and would not hear it
		}
	}
}

func (p *Process) send(one stage.Signal) {
	if p.PID() > 0 {
		_ = p.conn.Send(stage.KindSignal, one) // it may have ended
	}
}
