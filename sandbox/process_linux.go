package sandbox

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/control"
	"openclaw/sandbox/linux/gate"
	"openclaw/sandbox/linux/mounts"
	"openclaw/sandbox/linux/stage"
	"openclaw/sandbox/policy"
)

// Process is a command in its cage. Its methods are safe for concurrent use.
type Process struct {
	cage     *Cage
	spec     Spec
	plan     *mounts.Plan
	first    *first // the cage's init, or the keeper
	conn     *control.Conn
	identity *identity
	reporter *reporter
	gate     *gate.Gate
	judge    *judge
	network  *networkServer
	watcher  *watcher
	bounds   *bounds
	job      *job     // nil: there is no terminal
	reduced  *reduced // of a cage without namespaces; it then has no gate, network and watcher
	binder   *binder
	over     chan struct{} // closed when the cage has ended
	named    chan struct{} // closed when second names of denied files have been looked for
	tree     *treeWatcher  // nil: nothing can come to match a pattern unseen
	probe    string

	setup    chan stage.Setup   // what the stage is told first; closed: nothing
	begun    chan error         // says whether there is a stage
	services sync.WaitGroup     // whatever serves the cage
	cancel   context.CancelFunc // ends the services that do not end with the cage
	ended    chan struct{}      // closed when the stage has been waited for
	finished chan struct{}      // closed when everything is released

	updating sync.Mutex
	current  *policy.Policy // as it was given last; under updating

	mu      sync.Mutex
	pid     int // of the command, on the host
	pidfd   int
	report  Report
	exited  *stage.Exited
	status  ExitStatus
	waitErr error
}

// launch serves the stage until the command runs. When that failed, everything
// has been released.
func (p *Process) launch(ctx context.Context, what planned) error {
	if err := <-p.begun; err != nil {
		p.bounds.close()
		p.conn.Close()
		p.job.end(0)
		return err
	}
	p.plan, p.report.Warnings, p.report.Unmet, p.report.Dir = what.mounts, what.mounts.Warnings, what.mounts.Unmet, what.dir
	setup := setupFor(&p.spec, what)
	setup.Foreground = p.job.plan()
	setup.Way, setup.Landlock = p.cage.way, p.cage.landlock
	setup.CgroupNamespaces = setup.Nested && p.bounds.cgroupNamespaces()
	p.report.Warnings = append(p.report.Warnings, nestedWarnings(p.spec.Policy, setup.CgroupNamespaces)...)
	p.probe = setup.GateProbe
	p.identity = newIdentity(p.first.pid())
	p.binder = newBinder(p)
	p.reporter = newReporter(p.spec.Denied, time.Now, p.cage.looks)
	p.over = make(chan struct{})
	p.judge = newJudge(p)
	serving, cancel := context.WithCancel(context.WithoutCancel(ctx))
	p.cancel = cancel
	p.named = make(chan struct{})
	p.services.Go(func() { p.tellNames(serving) })
	err := p.bounds.watch(p.judge.atBound)
	if err == nil {
		err = p.build(serving, setup)
	}
	if err != nil {
		p.kill()
		p.finish()
		return err
	}
	stop := context.AfterFunc(ctx, p.kill)
	p.services.Go(p.follow)
	p.binder.begin()
	p.services.Go(p.watchMasks)
	if p.tree != nil {
		p.services.Go(p.watchTree)
	}
	go func() {
		p.finish()
		stop()
	}()
	return nil
}

// follow reads what the stage says while the command runs.
func (p *Process) follow() {
	for {
		message, err := p.conn.Receive()
		if err != nil {
			return
		}
		message.CloseFiles()
		switch message.Kind {
		case stage.KindExited:
			var exited stage.Exited
			if message.Decode(&exited) == nil {
				p.mu.Lock()
				p.exited = &exited
				p.mu.Unlock()
			}
		case stage.KindRenewed:
			var renewed stage.Renewed
			if message.Decode(&renewed) == nil {
				p.renewed(renewed.Paths)
			}
		case stage.KindStopped:
			var stopped stage.Signal
			if message.Decode(&stopped) == nil {
				p.job.stopped(syscall.Signal(stopped.Number))
			}
		case stage.KindResumed:
			p.job.resumed <- struct{}{} // one for each that it asked for
		case stage.KindBound:
			var bound stage.Bound
			if message.Decode(&bound) == nil {
				p.binder.answered(bound)
			}
		case stage.KindFailed:
			var failed stage.Failed
			if message.Decode(&failed) == nil {
				p.mu.Lock()
				p.waitErr = fromStage(failed, &p.spec)
				p.mu.Unlock()
			}
		case stage.KindLimit:
			var limit stage.Limit
			if message.Decode(&limit) == nil {
				p.judge.atLimit(limit)
			}
		}
	}
}

// finish waits for the end of the cage and releases everything, in the order
// that lets each part end by itself.
func (p *Process) finish() {
	defer close(p.finished)
	defer func() { p.job.end(syscall.Signal(p.status.Signal)) }()
	<-p.ended
	p.bounds.kill()
	if p.reduced != nil && !p.reduced.drain() {
		p.mu.Lock()
		p.waitErr = &Error{
			Op: "end run", Err: errors.New("some of its processes are left: both that watch over a run were ended from outside at once"),
			Hint: "look for them with ps and end them; what they may reach is still what the policy allowed",
		}
		p.mu.Unlock()
	}
	if p.named != nil {
		select {
		case <-p.named:
		case <-time.After(namesGrace):
		}
	}
	p.cancel()
	if p.over != nil {
		close(p.over)
	}
	p.binder.stop()
	p.conn.Hangup()
	if p.watcher != nil {
		p.watcher.close()
	}
	if p.tree != nil {
		closeInotify(p.tree.file)
	}
	p.services.Wait()
	if p.judge.grown != nil {
		p.judge.grown.close()
	}
	p.conn.Close()
	if p.gate != nil {
		p.gate.Close()
	}
	p.bounds.close()
	p.reporter.close()
	p.identity.close()
	if p.reduced != nil {
		p.reduced.release()
	}

	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pidfd >= 0 {
		_ = unix.Close(p.pidfd)
		p.pidfd = -1
	}
	switch state := p.first.state; {
	case p.exited != nil:
		p.status = ExitStatus{Code: p.exited.Code, Signal: p.exited.Signal}
	case state != nil:
		wait, ok := state.Sys().(syscall.WaitStatus)
		if ok && wait.Signaled() {
			p.status = ExitStatus{Code: 128 + int(wait.Signal()), Signal: int(wait.Signal())}
		} else {
			p.status = ExitStatus{Code: state.ExitCode()}
		}
	}
}

// kill ends every process of the cage at once.
func (p *Process) kill() {
	p.first.kill()
	p.bounds.kill()
}

// endFor ends the run because of something that it must not go on with.
func (p *Process) endFor(why *Error) {
	p.mu.Lock()
	if p.waitErr == nil {
		p.waitErr = why
	}
	p.mu.Unlock()
	p.kill()
}

// PID is the command's process on the host.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pid
}

// Report says what is enforced, as proven inside this very cage.
func (p *Process) Report() Report {
	p.mu.Lock()
	defer p.mu.Unlock()
	report := p.report
	report.Mechanisms = append([]Mechanism(nil), p.report.Mechanisms...)
	report.Warnings = append([]string(nil), p.report.Warnings...)
	report.Unmet = append([]policy.Unmet(nil), p.report.Unmet...)
	return report
}

// Wait waits for the end of the command and of everything it started, and
// until every refusal has been told. It may be called more than once. The
// error, if there is one, is why the cage ended the run itself.
func (p *Process) Wait() (ExitStatus, error) {
	<-p.finished
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status, p.waitErr
}
