package sandbox

import (
	"time"

	"openclaw/sandbox/darwin"
	"openclaw/sandbox/egress"
	"openclaw/sandbox/policy"
)

const defaultAskTimeout = 60 * time.Second // design/config.md: ask_timeout

func (p *Process) fromEgress(r egress.Refusal) Denial {
	return Denial{
		Time: r.Time, Agent: p.spec.Agent, Run: p.spec.Run, PID: r.PID, Program: r.Program, CommandLine: r.CommandLine,
		Class: r.Class, Operation: r.Operation, Target: r.Target, Rule: r.Rule, Origin: r.Origin, Mechanism: r.Mechanism, Count: 1, Connection: r.Connection,
	}
}

func (p *Process) atEgress(r egress.Refusal) { p.reporter.add(p.fromEgress(r)) }

func (p *Process) limitDenial() Denial {
	return Denial{
		Time: time.Now(), Agent: p.spec.Agent, Run: p.spec.Run, PID: p.command.Process.Pid, Program: p.spec.Command[0],
		Class: policy.ClassPathWrite, Operation: "write", Rule: "max_file_size", Origin: p.spec.Policy.MaxOrigin, Mechanism: "limit", Count: 1,
	}
}

// atLog tells of a refusal by the kernel, unless it is of a kind that no rule
// of a policy is about: a system service, a setting of the kernel.
func (p *Process) atLog(r darwin.Refusal) {
	e, ok := r.Explain(p.opened)
	if !ok {
		return
	}
	why := policy.LedHere(p.report.Unmet, p.spec.Agent, r.Target, policy.Decision{Rule: e.Rule, Origin: e.Origin}, leads)
	if r.Time.IsZero() {
		r.Time = time.Now()
	}
	p.reporter.add(Denial{
		Time: r.Time, Agent: p.spec.Agent, Run: p.spec.Run, PID: r.PID, Program: r.Program, Class: e.Class, Operation: r.Operation,
		Target: r.Target, Rule: why.Rule, Origin: why.Origin, Mechanism: "seatbelt", Count: r.Count,
	})
}
