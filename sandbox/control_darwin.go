package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"reflect"
	"sync"
	"syscall"
	"time"

	"openclaw/sandbox/policy"
)

// kill ends every process of the command's session that has its group, at
// once; finish ends the rest of the session.
func (p *Process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.command != nil && !p.ended {
		_ = syscall.Kill(-p.command.Process.Pid, syscall.SIGKILL)
		_ = p.command.Process.Kill()
	}
}

// Say shows one line to the person on whose terminal the command runs, between what that
// writes, and reports whether it did: never over a program that draws, nor to who does
// not type for it.
func (p *Process) Say(line string) bool {
	return p.terminal != nil && p.terminal.Attached() && p.terminal.Say(line, time.Second)
}

// Signal sends a signal to the command. SIGKILL ends the whole run.
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
	if p.ended {
		return os.ErrProcessDone
	}
	if err := p.command.Process.Signal(number); err != nil {
		if errors.Is(err, os.ErrProcessDone) {
			return err
		}
		return &Error{Op: "send signal", Err: err}
	}
	return nil
}

// RelaySignals passes the signals that a person sends to this process on to
// the command until stop is called. The command has a terminal of its own:
// keys pressed there reach it by that terminal.
func (p *Process) RelaySignals() (stop func()) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	quit := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		for {
			select {
			case <-quit:
				return
			case wanted := <-signals:
				_ = p.Signal(wanted) // the command may have ended already
			}
		}
	})
	return sync.OnceFunc(func() {
		signal.Stop(signals)
		close(quit)
		running.Wait()
	})
}

// CutConnection ends a connection that goes through the run's proxy, by its
// Connection's ID, and has that Connection say why. It reports whether it was open.
func (p *Process) CutConnection(id, why string) bool { return p.proxy != nil && p.proxy.Cut(id, why) }

// TakeBack does nothing: here a yes is to the connection that waits for it, and to no more.
func (p *Process) TakeBack() {}

// Update puts a policy that changed into force as far as a running cage allows:
// the network's rules at once. A profile cannot be changed while it is in
// force; what it says stays until the next run.
func (p *Process) Update(next *policy.Policy) (Change, error) {
	if next == nil {
		return Change{}, &Error{Op: "update policy", Kind: KindPolicy, Err: errors.New("there is none")}
	}
	p.updating.Lock()
	defer p.updating.Unlock()
	var change Change
	compared := policy.Compare(p.spec.Policy, next)
	if !reflect.DeepEqual(p.current.Network, next.Network) {
		switch {
		case p.proxy != nil:
			p.proxy.SetPolicy(next)
			change.Applied = append(change.Applied, "network rules")
		case next.Network.Outbound:
			change.waits(false, "network: this run was built without a way out")
		}
	}
	for _, part := range []struct {
		changed bool
		what    string
	}{{compared.Paths, "paths"}, {compared.Exec, "rules for programs"}, {compared.Limits, "limits"}} {
		if part.changed {
			change.waits(compared.Narrower, part.what+": the profile of this run stays as it is")
		}
	}
	p.current = next
	p.mu.Lock()
	p.report.Policy = next.Version
	p.mu.Unlock()
	return change, nil
}
