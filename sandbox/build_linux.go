package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"syscall"

	"openclaw/sandbox/linux/control"
	"openclaw/sandbox/linux/gate"
	"openclaw/sandbox/linux/harden"
	"openclaw/sandbox/linux/stage"
)

// begin starts the first process that was prepared. The parent-death signal belongs
// to the thread that forked, so that thread stays until the stage has ended.
func (p *Process) begin(op, hint string) error {
	// What was inherited without the mark to close it would stay open in the
	// cage's first process, if not in the command.
	if err := harden.CloseDescriptors(3); err != nil {
		return &Error{Op: op, Err: err, Hint: hint}
	}
	begun := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.first.start()
		begun <- err
		if err == nil {
			p.first.wait()
			close(p.ended)
		}
	}()
	err := <-begun
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errRightless):
		return &Error{Op: opRightless, Kind: KindMissing, Err: err, Hint: hint}
	}
	return &Error{Op: op, Kind: KindMissing, Err: err, Hint: namespacesHint(err, hint)}
}

// build answers the stage's messages until the command runs.
func (p *Process) build(serving context.Context, setup stage.Setup) error {
	for {
		message, err := p.conn.Receive()
		if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
			return &Error{Op: "build cage", Err: errors.New("the cage's first process ended without a word"), Hint: "look at the kernel's log (dmesg) for what ended it"}
		}
		if err != nil {
			return &Error{Op: "build cage", Err: err}
		}
		switch message.Kind {
		case stage.KindStarted:
			if err := p.started(message); err != nil {
				return err
			}
			return p.bounded()
		case stage.KindExited: // there was no command
			return nil
		}
		if err := p.answer(serving, message, setup); err != nil {
			return err
		}
		switch message.Kind {
		case stage.KindNetwork, stage.KindListener: // the stage goes on meanwhile
		case stage.KindGate:
			err = p.conn.Send(stage.KindPlan, setup)
		default:
			err = p.conn.Send(stage.KindProceed, nil)
		}
		if err != nil {
			return &Error{Op: "build cage", Err: err}
		}
	}
}

func (p *Process) answer(serving context.Context, message control.Message, setup stage.Setup) error {
	switch message.Kind {
	case stage.KindNetwork:
		return p.serveNetwork(serving, message, setup)
	case stage.KindGate:
		return p.serveGate(message)
	case stage.KindMounted:
		var mounted stage.Mounted
		if err := message.Decode(&mounted); err != nil {
			return &Error{Op: "build cage", Err: err}
		}
		p.binder.missing(mounted.Missing)
		watcher, err := newWatcher(p.plan)
		if err != nil {
			return err
		}
		p.watcher = watcher
		if p.tree, err = p.newTree(); err != nil {
			return err
		}
		p.gate.Expect(p.probe)
		p.judge.expect(setup.CallProbe)
		p.gate.Enforce()
		return nil
	case stage.KindTested:
		return p.tested(message)
	case stage.KindListener:
		return p.serveCalls(serving, message)
	case stage.KindFailed:
		var failed stage.Failed
		if err := message.Decode(&failed); err != nil {
			return &Error{Op: "build cage", Err: err}
		}
		if err := p.bounded(); err != nil { // that is why the command was not let go on
			return err
		}
		return fromStage(failed, &p.spec)
	}
	message.CloseFiles()
	return &Error{Op: "build cage", Err: fmt.Errorf("unexpected message %q", message.Kind)}
}

func (p *Process) serveGate(message control.Message) error {
	if len(message.Files) != 1 || p.gate != nil {
		message.CloseFiles()
		return &Error{Op: "serve gate", Err: errors.New("no device came")}
	}
	g, err := gate.New(gate.Options{
		Policy: p.plan.Policy, Fixed: p.plan.Fixed, Held: p.plan.Held, Folder: p.binder.came, LookAgain: p.binder.lookAgain, OpenAgain: p.binder.openAgain, Splits: p.judge.splits,
		Refused: p.judge.atGate, Denied: p.binder.refused, Ask: p.judge.askAtGate(), AskEach: p.spec.AskEach,
		Process: p.identity.process, Holds: p.identity.holds,
	})
	if err != nil {
		message.CloseFiles()
		return &Error{Op: "serve gate", Err: err}
	}
	server, err := g.Attach(message.Files[0])
	if err != nil {
		g.Close()
		return &Error{Op: "serve gate", Err: err}
	}
	p.gate = g
	p.services.Go(server.Run)
	return nil
}

func (p *Process) tested(message control.Message) error {
	var tested stage.Tested
	if err := message.Decode(&tested); err != nil {
		return &Error{Op: "test cage", Err: err}
	}
	for _, proof := range tested.Proofs {
		p.enforced(proof.Name, proof.Detail)
	}
	if tested.Calls {
		if !p.judge.saw() {
			return &Error{Op: "serve calls", Err: errors.New("a refusal inside the cage did not come from here"), Hint: "report this: the cage would not hold"}
		}
		p.enforced("call notification", "a call was handed over, and the answer given here was what the caller got")
	}
	if tested.Gate {
		if !p.gate.Saw(p.probe) {
			return &Error{Op: "test gate", Err: errors.New("a refusal inside the cage did not come from the gate"), Hint: "report this: the cage would not hold"}
		}
		p.enforced("gate", "a new file was refused with EACCES, and the refusal was seen here")
	}
	if p.spec.Release != nil {
		if err := p.spec.Release(); err != nil {
			return err
		}
	}
	if p.spec.Stands != nil {
		p.spec.Stands(p.Report())
	}
	if p.job != nil { // from here on what is typed is the command's
		if err := p.job.begin(); err != nil {
			return &Error{Op: "attach terminal", Err: err, Hint: "without a terminal it runs with < /dev/null > FILE 2>&1"}
		}
		p.services.Go(func() { p.job.run(p, p.over) })
	}
	return nil
}

// bounded notes which limits hold for the command.
func (p *Process) bounded() error {
	list, err := p.bounds.mechanisms()
	if err != nil {
		return &Error{Op: "limit the run", Err: err, Hint: "report this: the limit would not hold"}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.report.Mechanisms = append(p.report.Mechanisms, list...)
	return nil
}

func (p *Process) enforced(name, detail string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.report.Mechanisms = append(p.report.Mechanisms, Mechanism{Name: name, Enforced: true, Detail: detail, Purpose: purposeOf(name)})
}

func (p *Process) started(message control.Message) error {
	if len(message.Files) != 1 {
		message.CloseFiles()
		return &Error{Op: "start command", Err: errors.New("no process descriptor came")}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pidfd = message.Files[0]
	p.pid = pidOf(p.pidfd)
	return nil
}
