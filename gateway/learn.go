package gateway

import (
	"context"
	"log/slog"
	"sync"

	"openclaw/configs"
	"openclaw/gateway/hub"
	"openclaw/gateway/wire"
	"openclaw/sandbox/policy"
)

// policyFor is what a run of an agent is enforced by.
func policyFor(snapshot *configs.Snapshot, agent string, learn *wire.Learn) (*policy.Policy, error) {
	compiled, err := snapshot.Policy(agent)
	if err != nil || learn == nil {
		return compiled, err
	}
	return policy.Learning(compiled, learn.Network), nil
}

// sayLearns shows that a run is let through to more than its policy allows.
func (g *Gateway) sayLearns(agent string, learn *wire.Learn) {
	if learn == nil {
		return
	}
	g.notice("warn", "agent "+agent+" learns: until this run ends, what no rule denies is let through and recorded")
	g.log.Warn("a run learns", slog.String("agent", agent), slog.Bool("network", learn.Network))
}

// learned puts on record what a run is about to be let through to. An error
// means that it must not be: not all of it is on record.
func (r *runs) learned(ctx context.Context, call *hub.Call) (any, error) {
	g := r.g
	var params wire.LearnedParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	agent, err := r.owned(params.Run, call.Conn)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	one := r.live[params.Run]
	learns := one != nil && one.learn != nil
	r.mu.Unlock()
	if !learns {
		return nil, wire.Forbidden("this run does not learn", "start it with 'openclaw agent learn "+agent+" -- CMD…'")
	}
	if len(params.Accesses) > wire.MaxLearned {
		return nil, wire.Invalid("too many accesses in one call")
	}
	failures := make([]error, len(params.Accesses))
	var group sync.WaitGroup
	for i, a := range params.Accesses {
		group.Go(func() { failures[i] = g.auditLearned(ctx, agent, params.Run, a) })
	}
	group.Wait()
	for _, err := range failures {
		if err != nil {
			g.log.Error("an access of a run that learns could not be audited", slog.Any("error", err))
			return nil, notAudited("it is not let through")
		}
	}
	return nil, nil
}

// auditLearned records one access before it happens.
func (g *Gateway) auditLearned(ctx context.Context, agent, run string, a wire.Access) error {
	entry := AuditEntry{
		Event: "learn", User: agent, IP: "local", Action: a.Operation, Result: "allowed", Reason: a.Rule,
		Details: map[string]any{
			"run": run, "pid": a.PID, "program": a.Program, "command_line": a.CommandLine, "class": string(a.Class),
			"mechanism": a.Mechanism, "origin": a.Origin,
		},
	}
	switch a.Class {
	case policy.ClassPathRead, policy.ClassPathWrite:
		entry.Path = a.Target
	default:
		entry.Target = a.Target
	}
	return g.deps.Audit(ctx, entry)
}
