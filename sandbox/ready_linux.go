package sandbox

import (
	"os"
	"sync/atomic"

	"openclaw/sandbox/linux/control"
	"openclaw/sandbox/linux/mounts"
	"openclaw/sandbox/linux/stage"
)

// ready is the first process of a cage that is still to come. It has its
// namespaces and waits to be told what for.
type ready = atomic.Pointer[Process]

// Prepare starts the first process of a cage before its policy is known, so
// that it gets ready while the caller asks for one. The next Start with these
// standard descriptors takes it. It runs nothing, and what it lacks is said by
// that Start. stop ends it if no Start took it.
func (c *Cage) Prepare(stdin, stdout, stderr *os.File) (stop func()) {
	if c.onlyReduced {
		return func() {}
	}
	p, err := startStage(c, stdin, stdout, stderr, &bounds{})
	if err != nil {
		return func() {} // Start finds it as well
	}
	if before := c.ready.Swap(p); before != nil {
		before.abandon()
	}
	return func() {
		if c.ready.CompareAndSwap(p, nil) {
			p.abandon()
		}
	}
}

// stageFor takes the first process that is ready, or starts one.
func (c *Cage) stageFor(spec *Spec) (*Process, error) {
	p := c.ready.Swap(nil)
	limits, err := newBounds(c, spec.Policy, true)
	if err != nil {
		if p != nil {
			p.abandon()
		}
		return nil, err
	}
	if p != nil && limits.group != nil { // one that began outside of the limits is not taken
		p.abandon()
		p = nil
	}
	if p != nil && (p.spec.Stdin != spec.Stdin || p.spec.Stdout != spec.Stdout || p.spec.Stderr != spec.Stderr) {
		p.abandon()
		p = nil
	}
	if p == nil {
		if p, err = startStage(c, spec.Stdin, spec.Stdout, spec.Stderr, limits); err != nil {
			limits.close()
			return nil, err
		}
	}
	p.bounds = limits
	p.adopt(spec)
	return p, nil
}

// startStage starts a first process, within limits, and returns at once. Then
// comes adopt or abandon.
func startStage(cage *Cage, stdin, stdout, stderr *os.File, limits *bounds) (*Process, error) {
	conn, inherited, err := control.Pair()
	if err != nil {
		return nil, &Error{Op: "start cage", Err: err, Hint: spentHint(err)}
	}
	p := &Process{
		cage: cage, spec: Spec{Stdin: stdin, Stdout: stdout, Stderr: stderr}, conn: conn, pidfd: -1, bounds: limits,
		setup: make(chan stage.Setup, 1), begun: make(chan error, 1), ended: make(chan struct{}), finished: make(chan struct{}),
	}
	if p.job, err = jobOn(stdin, stdout, stderr); err != nil {
		_ = inherited.Close()
		conn.Close()
		return nil, &Error{Op: "start cage", Err: err, Hint: spentHint(err)}
	}
	in, out, errs := p.job.files(stdin, stdout, stderr)
	p.first = newStage(in, out, errs, inherited, p.job.slave(), limits)
	go func() {
		err := p.begin("make namespaces", fixFor("user namespace"))
		_ = inherited.Close()
		if setup, ok := <-p.setup; ok && err == nil {
			// Too early for an error that means anything: what comes next finds it.
			_ = p.conn.Send(stage.KindSetup, setup)
		}
		p.begun <- err
	}()
	return p, nil
}

// adopt says what the first process is for: it builds the network while the
// caller plans the mounts. Then comes launch or abandon.
func (p *Process) adopt(spec *Spec) {
	p.spec, p.current = *spec, spec.Policy
	p.report = Report{Agent: spec.Agent, Run: spec.Run, Policy: spec.Policy.Version}
	setup := setupFor(spec, planned{mounts: &mounts.Plan{}})
	setup.Way, setup.Landlock = p.cage.way, p.cage.landlock
	p.setup <- setup
}

// abandon ends what startStage began.
func (p *Process) abandon() {
	close(p.setup)
	if <-p.begun == nil {
		p.kill()
		<-p.ended
	}
	p.bounds.close()
	p.conn.Close()
	p.job.end(0)
}
