package sandbox

import (
	"slices"

	"openclaw/sandbox/linux/mounts"
	"openclaw/sandbox/policy"
)

// tell adds to the report what a reduced cage does not hold, with why.
func (r *reduced) tell(why error) {
	p := r.process
	p.mu.Lock()
	defer p.mu.Unlock()
	fix := "openclaw doctor says how to get the full cage"
	rows := []Mechanism{{
		Name: FullCage, Detail: "REDUCED MODE, because " + why.Error(), Fix: fix,
		Purpose: "the agent sees nothing of the machine but what its policy opens",
	}}
	for _, row := range unheld() {
		rows = append(rows, Mechanism{Name: row.name, Detail: row.fix, Fix: fix, Purpose: row.purpose})
	}
	if !p.spec.Policy.Exec.Commands {
		rows = append(rows, Mechanism{
			Name: "no new code", Detail: "no program can be executed after the first, but that one may map what it wrote as code", Fix: fix,
			Purpose: "nothing writable becomes code",
		})
	}
	p.report.Mechanisms = append(rows, p.report.Mechanisms...)
}

// unheld are what no reduced cage holds. fix is what is the case instead.
func unheld() []mechanism {
	return []mechanism{
		{"hidden files", "names and attributes of other files do not show", "contents are closed, but a program may ask whether a path exists, and for its size, owner and times"},
		{"hidden processes", "other processes do not show", "a program may find out which process numbers are in use; it can neither read nor signal them"},
		{"live narrowing of paths", "a policy that becomes stricter holds at once", "new opens are refused at once, except to a program that races for them; what is open stays open until the run ends"},
	}
}

// updateReduced puts a new policy into force as far as a reduced cage allows;
// p.updating is held. The network follows at once, and new calls are judged by
// the new policy; what Landlock opened at the start stays open to who races.
func (p *Process) updateReduced(next *policy.Policy) (Change, error) {
	plan, err := mounts.Names(next)
	if err != nil {
		return Change{}, planError(err)
	}
	before := p.current
	var change Change
	p.compareRest(&change, before, next)
	if compared := policy.Compare(p.spec.Policy, next); compared.Paths {
		change.waits(compared.Narrower, "paths: refused from now on when they are opened, but in the reduced mode what was open at the start is closed for good only by a new run")
	}
	whole := *plan.Policy
	whole.Paths = append(slices.Clip(whole.Paths), p.reduced.folder.rules()...)
	p.judge.policy.Store(&whole)
	p.judge.unmet.Store(&plan.Unmet)
	if p.reduced.way != nil {
		p.reduced.way.withdrawAll()
		p.reduced.way.proxy.SetPolicy(next)
	}
	p.current = next
	p.mu.Lock()
	p.report.Policy = next.Version
	p.mu.Unlock()
	return change, nil
}
