package gateway

import (
	"context"
	"log/slog"

	"openclaw/configs"
	"openclaw/gateway/auth"
	"openclaw/gateway/event"
	"openclaw/gateway/hub"
	"openclaw/gateway/wire"
)

// resume takes a run back: its connection broke, or this gateway is a new one.
func (r *runs) resume(ctx context.Context, call *hub.Call) (any, error) {
	g := r.g
	var params wire.RunResumeParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	if len(params.Run) < 1 || len(params.Run) > 64 || !configs.ValidName(params.Run) {
		return nil, wire.Invalid("invalid " + wire.MethodRunResume + " params: run")
	}
	if err := g.knownAgent(params.Agent); err != nil {
		return nil, err
	}
	pid := supervisorPID(call.Conn, params.PID)
	learn := params.Learn
	r.mu.Lock()
	known := r.live[params.Run]
	held := known != nil && known.agent == params.Agent
	if held {
		learn = known.learn // a run does not begin to learn on the way
	}
	r.mu.Unlock()
	snapshot := g.deps.Config.Current()
	compiled, err := policyFor(snapshot, params.Agent, learn)
	if err != nil {
		return nil, wire.Invalid("agent " + params.Agent + ": " + err.Error())
	}
	if known != nil {
		caller, right := g.agents.Lookup(params.Token)
		if !held || !right || caller != (auth.Caller{Agent: params.Agent, Run: params.Run}) {
			return nil, wire.Forbidden("this run belongs to another supervisor", "")
		}
	}
	if err := g.auditAct(ctx, call.Conn.Peer.From, AuditEntry{Event: "run_start", Action: "resume", Target: params.Agent, Details: map[string]any{
		"run": params.Run, "pid": pid, "policy": compiled.Version, "learn": learn != nil,
	}}); err != nil {
		return nil, notAudited("the run was not taken back")
	}
	// What was refused meanwhile comes first: it is older than what is reported next.
	if err := r.spooled(context.WithoutCancel(ctx), params.Run); err != nil {
		g.log.Error("a run was not taken back: what it refused is not on record", slog.String("run", params.Run), slog.Any("error", err))
		return nil, notAudited("the run was not taken back")
	}
	if known == nil {
		if err := g.agents.Adopt(params.Agent, params.Run, params.Token); err != nil {
			return nil, wire.Invalid(err.Error())
		}
	}
	compiled, err = r.enter(&run{id: params.Run, agent: params.Agent, pid: pid, conn: call.Conn, policy: compiled, learn: learn}, known, snapshot)
	if err != nil {
		if !r.lives(params.Run) {
			g.agents.Revoke(params.Run)
		}
		return nil, err
	}
	if known == nil {
		g.deps.Masker.Add(maskName(params.Run), []byte(params.Token))
		started := g.deps.Now()
		if began := params.Started; !began.IsZero() && began.Before(started) {
			started = began
		}
		g.registry.StartRun(event.Run{ID: params.Run, Agent: params.Agent, PID: pid, Command: params.Command, Terminal: terminalOf(params.Terminal), Learning: learn != nil, Started: started, Policy: compiled.Version})
		g.sayLearns(params.Agent, learn)
	}
	if call.Conn.Context().Err() != nil {
		r.left(call.Conn)
	}
	g.log.Info("a run was taken back", slog.String("agent", params.Agent), slog.String("run", params.Run), slog.Int("pid", pid))
	return wire.RunStarted{Run: params.Run, Policy: compiled, Command: params.Command, Gateway: g.AgentsAddress().String(), Unsupported: unsupported(snapshot, params.Agent)}, nil
}
