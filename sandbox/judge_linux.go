package sandbox

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"openclaw/sandbox/linux/gate"
	"openclaw/sandbox/linux/stage"
	"openclaw/sandbox/policy"
)

// judge turns what the mechanisms saw into Denials of one run.
type judge struct {
	process *Process
	policy  atomic.Pointer[policy.Policy]  // with every name that its paths have
	unmet   atomic.Pointer[[]policy.Unmet] // of that policy

	executed atomic.Int64 // programs so far
	callers  callers      // who was refused a moment ago
	ends     *ends        // nil: there is no limit to their files, or the kernel does not tell
	grown    *grown       // nil: there is no limit to their files

	probe struct { // of the self-test
		path string
		seen atomic.Bool
	}
}

// expect announces the self-test's own path, before any call can come.
func (j *judge) expect(path string) { j.probe.path = path }

// saw reports whether the self-test's call came.
func (j *judge) saw() bool { return j.probe.seen.Load() }

func newJudge(p *Process) *judge {
	j := &judge{process: p}
	j.policy.Store(p.plan.Policy)
	j.unmet.Store(&p.plan.Unmet)
	j.watchSizes()
	return j
}

// denial names who did it.
func (j *judge) denial(pid int, class policy.Class, operation, target, mechanism string, decision policy.Decision) Denial {
	try := refused{pid: pid, operation: operation, target: target}
	return j.denialBy(try, class, mechanism, decision)
}

func (j *judge) denialBy(try refused, class policy.Class, mechanism string, decision policy.Decision) Denial {
	return j.denialOf(j.callers.find(j.process.identity, try, time.Now()), try, class, mechanism, decision)
}

// question names who is to be answered as it is at this moment: the process may have
// become another program since it was refused the same.
func (j *judge) question(try refused, class policy.Class, mechanism string, decision policy.Decision) Denial {
	return j.denialOf(j.process.identity.caller(try), try, class, mechanism, decision)
}

func (j *judge) denialOf(by caller, try refused, class policy.Class, mechanism string, decision policy.Decision) Denial {
	decision = policy.LedHere(j.unopened(), j.process.spec.Agent, try.target, decision, leads)
	return Denial{
		Time: time.Now(), Agent: j.process.spec.Agent, Run: j.process.spec.Run, PID: by.pid, Program: by.program, CommandLine: by.commandLine,
		Class: class, Operation: try.operation, Target: try.target, Rule: decision.Rule, Origin: decision.Origin, Mechanism: mechanism, Count: 1,
	}
}

// unopened are the rules of the policy in force that are not carried out as written.
func (j *judge) unopened() []policy.Unmet {
	if list := j.unmet.Load(); list != nil {
		return *list
	}
	return nil
}

func tryAtGate(r gate.Refusal) refused {
	return refused{thread: r.Thread, operation: r.Operation, target: r.Path}
}

// splits reports whether a folder may not be renamed, because the policy says of
// what lies in it something else than of the folder.
func (j *judge) splits(name string) bool { return j.process.plan.Regions.Splits(j.policy.Load(), name) }

func (j *judge) atGate(r gate.Refusal) {
	j.process.reporter.add(j.denialBy(tryAtGate(r), r.Class, "gate", r.Decision))
}

// askAtGate holds an operation until the person answers.
func (j *judge) askAtGate() func(done <-chan struct{}, r gate.Refusal) bool {
	asker := j.process.spec.Asker
	if asker == nil {
		return nil
	}
	return func(done <-chan struct{}, r gate.Refusal) bool {
		ctx, cancel := j.askContext(nil)
		var watching sync.WaitGroup
		watching.Go(func() { j.untilGone(ctx, cancel, done, r.Thread) })
		defer func() { cancel(); watching.Wait() }() // it looks at what ends with the gate
		allow, err := asker.Ask(ctx, j.question(tryAtGate(r), r.Class, "gate", r.Decision))
		return inTime(ctx, allow, err)
	}
}

// inTime is the answer to an ask: what is said after the end of the ask counts
// for nothing.
func inTime(ctx context.Context, allow bool, err error) bool {
	return err == nil && allow && ctx.Err() == nil
}

func (j *judge) askContext(done <-chan struct{}) (context.Context, context.CancelFunc) {
	limit := j.policy.Load().AskTimeout
	if limit <= 0 {
		limit = defaultAskTimeout
	}
	// Whoever answers keeps the time of the policy, on a clock that may be paused; here
	// is the end in any case.
	ctx, cancel := context.WithTimeout(context.Background(), policy.AskCap(limit))
	if done != nil {
		go func() {
			select {
			case <-done:
				cancel()
			case <-ctx.Done():
			}
		}()
	}
	return ctx, cancel
}

const defaultAskTimeout = 60 * time.Second // design/config.md: ask_timeout

// atLimit hears of init's own children only, where the kernel tells of no others.
func (j *judge) atLimit(stage.Limit) {
	if j.ends == nil {
		j.ended(caller{})
	}
}
