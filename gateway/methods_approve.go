package gateway

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"openclaw/gateway/approve"
	"openclaw/gateway/auth"
	"openclaw/gateway/event"
	"openclaw/gateway/hub"
	"openclaw/gateway/registry"
	"openclaw/gateway/wire"
	"openclaw/sandbox/policy"
)

// asks carries held requests between supervisors, the inbox and whoever
// answers.
type asks struct {
	g       *Gateway
	inbox   *approve.Inbox
	waiting sync.WaitGroup // for verdicts to send

	mu   sync.Mutex // guards held, and what it leads to
	held map[askKey]*heldAsk
}

// heldAsk may be cancelled before the inbox has it.
type heldAsk struct {
	held              *approve.Held
	cancelled, missed bool
}

// askKey is one ask of one supervisor's connection.
type askKey struct {
	conn   string
	run    string
	number uint64
}

func newAsks(g *Gateway) *asks {
	a := &asks{g: g, held: map[askKey]*heldAsk{}}
	a.inbox = approve.New(approve.Options{
		Audit: g.auditApproval, Publish: g.deps.Bus.Publish, Rules: approve.ConfigRules{Store: g.deps.Config},
		Lives: g.runs.lives, Judge: g.runs.judge, Past: g.pastDenial, Mask: g.deps.Masker.Text, Now: g.deps.Now,
		Failed: func(err error) {
			g.log.Error("an ask could not be audited", slog.Any("error", err))
			g.notice("error", "an ask could not be written to the audit log: "+err.Error())
		},
	})
	return a
}

// methods are those of asks. Asking is for a run's own supervisor; answering is
// a right of its own.
func (a *asks) methods() []hub.Method {
	return []hub.Method{
		{Name: wire.MethodAskAsk, Scope: auth.ScopeAdmin, Local: true, Handle: a.ask},
		{Name: wire.MethodAskAlike, Scope: auth.ScopeAdmin, Local: true, Handle: a.alike},
		{Name: wire.MethodAskCancel, Scope: auth.ScopeAdmin, Local: true, Handle: a.cancel},
		{Name: wire.MethodAsks, Scope: auth.ScopeApprovals, Handle: a.list},
		{Name: wire.MethodAskDecide, Scope: auth.ScopeApprovals, Handle: a.decide},
		{Name: wire.MethodAskUndo, Scope: auth.ScopeApprovals, Handle: a.undo},
		{Name: wire.MethodAskPause, Scope: auth.ScopeApprovals, Handle: a.pause},
	}
}

const maxAskText = 16 << 10 // bytes of one field; a path has at most 4096

// ask holds a request. It answers at once; the verdict is pushed.
func (a *asks) ask(_ context.Context, call *hub.Call) (any, error) {
	var params wire.AskParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	agent, compiled, err := a.g.runs.policyOf(params.Run, call.Conn)
	if err != nil {
		return nil, err
	}
	switch params.Class {
	case policy.ClassPathRead, policy.ClassPathWrite, policy.ClassNet, policy.ClassExec:
	default:
		return nil, wire.Invalid("invalid " + wire.MethodAskAsk + " params: class")
	}
	for _, text := range []string{params.Target, params.Program, params.CommandLine, params.Operation, params.Rule, params.Mechanism, params.Connection} {
		if len(text) > maxAskText {
			return nil, wire.Invalid("invalid " + wire.MethodAskAsk + " params: a text is too long")
		}
	}
	if params.Target == "" {
		return nil, wire.Invalid("invalid " + wire.MethodAskAsk + " params: target")
	}
	key := askKey{call.Conn.ID, params.Run, params.Number}
	a.mu.Lock()
	_, twice := a.held[key]
	if !twice {
		a.held[key] = &heldAsk{}
	}
	a.mu.Unlock()
	if twice {
		return nil, wire.Invalid("invalid " + wire.MethodAskAsk + " params: the number is in use")
	}
	connection := params.Connection
	if connection != "" {
		connection = connectionOf(params.Run, connection)
	}
	held := a.inbox.Submit(approve.Request{
		Agent: agent, Run: params.Run, PID: params.PID, Program: params.Program, CommandLine: params.CommandLine, Class: params.Class,
		Operation: params.Operation, Target: params.Target, Rule: params.Rule, Origin: params.Origin, Mechanism: params.Mechanism, Connection: connection,
		Timeout: compiled.AskTimeout, NeverAlways: compiled.NeverAlways, Home: compiled.Home,
	})
	a.mu.Lock()
	entry := a.held[key]
	entry.held = held
	cancelled, missed := entry.cancelled, entry.missed
	a.mu.Unlock()
	if cancelled {
		held.Cancel(missed)
	}
	held.Rejudge()                   // its cage may not have had the policy of now
	if !a.g.runs.lives(params.Run) { // it ended before the inbox knew of it
		held.Cancel(false)
	}
	if verdict, answered := held.Answered(); answered {
		return wire.AskHeld{ID: verdict.ID, Verdict: a.told(key, verdict)}, nil
	}
	conn := call.Conn
	a.waiting.Go(func() {
		verdict := held.Wait(conn.Context())
		// A supervisor that is gone denied it already.
		_ = conn.Push(wire.EventAskVerdict, a.told(key, verdict))
	})
	return wire.AskHeld{ID: held.ID}, nil
}

// told forgets an ask and returns its verdict for the wire.
func (a *asks) told(key askKey, v approve.Verdict) *wire.AskVerdict {
	a.mu.Lock()
	delete(a.held, key)
	a.mu.Unlock()
	return &wire.AskVerdict{Number: key.number, ID: v.ID, Allow: v.Allow, Reason: v.Reason, Seen: v.Seen}
}

// alike takes how many requests an ask stands for. One that is answered already is no
// error: the two crossed.
func (a *asks) alike(_ context.Context, call *hub.Call) (any, error) {
	var params wire.AskAlikeParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	a.mu.Lock()
	entry := a.held[askKey{call.Conn.ID, params.Run, params.Number}]
	var held *approve.Held
	if entry != nil {
		held = entry.held
	}
	a.mu.Unlock()
	if held != nil {
		held.Alike(params.Seen, params.Waiting)
	}
	return nil, nil
}

// cancel takes an ask back. One that is answered already is no error: the two
// crossed.
func (a *asks) cancel(_ context.Context, call *hub.Call) (any, error) {
	var params wire.AskCancelParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	a.mu.Lock()
	entry := a.held[askKey{call.Conn.ID, params.Run, params.Number}]
	var held *approve.Held
	if entry != nil && !entry.cancelled {
		entry.cancelled, entry.missed = true, params.Missed
		held = entry.held
	}
	a.mu.Unlock()
	if held != nil {
		held.Cancel(params.Missed)
	}
	return nil, nil
}

func (a *asks) list(_ context.Context, call *hub.Call) (any, error) {
	var params wire.AsksParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	return wire.AsksResult{Asks: a.inbox.List(params.Agent)}, nil
}

func (a *asks) decide(ctx context.Context, call *hub.Call) (any, error) {
	var params wire.AskDecideParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	if params.Preview {
		row, err := a.inbox.Preview(params.ID, approve.Match(params.Match))
		if err != nil {
			return nil, a.refusal(err)
		}
		return wire.AskDecided{Ask: row}, nil
	}
	// An answer counts even when the one who gave it hangs up meanwhile.
	row, resolved, err := a.inbox.Decide(context.WithoutCancel(ctx), params.ID, approve.Decision{
		Allow: params.Allow, Scope: approve.Scope(params.Scope), Match: approve.Match(params.Match), Note: params.Note,
		By: short(call.Conn.Client.ID), From: call.Conn.Peer.From,
	})
	if err != nil {
		return nil, a.refusal(err)
	}
	if resolved {
		a.g.log.Info("an ask was answered", slog.String("agent", row.Agent), slog.String("run", row.Run), slog.String("ask", row.ID),
			slog.String("state", row.State), slog.String("scope", row.Scope), slog.String("target", short(row.Target)), slog.String("client", row.By))
	}
	if row.Problem != "" {
		a.g.notice("warn", "the answer to ask "+row.ID+" holds once: "+row.Problem)
	}
	return wire.AskDecided{Resolved: resolved, Ask: row}, nil
}

func (a *asks) undo(ctx context.Context, call *hub.Call) (any, error) {
	var params wire.AskUndoParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	row, err := a.inbox.Undo(context.WithoutCancel(ctx), params.ID, short(call.Conn.Client.ID), call.Conn.Peer.From)
	if err != nil {
		return nil, a.refusal(err)
	}
	a.g.runs.takeBack(row.Agent)
	a.g.log.Info("an answer was taken back", slog.String("agent", row.Agent), slog.String("ask", row.ID), slog.String("scope", row.Scope))
	return row, nil
}

// pause has an ask's clock stand still for a moment. It is not an answer, and is not
// audited: the end of the ask is.
func (a *asks) pause(_ context.Context, call *hub.Call) (any, error) {
	var params wire.AskPauseParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	paused, err := a.inbox.Pause(params.ID)
	if err != nil {
		return nil, a.refusal(err)
	}
	return wire.AskPaused{Paused: paused}, nil
}

// refusal is an error of the inbox in the words of the wire.
func (a *asks) refusal(err error) error {
	known, ok := errors.AsType[*approve.Error](err)
	if !ok {
		return err
	}
	text := a.g.deps.Masker.Text(known.Error())
	switch known.Kind {
	case approve.KindNotFound:
		return wire.NotFound(text, known.Hint)
	case approve.KindRefused:
		return wire.Forbidden(text, known.Hint)
	case approve.KindInvalid, approve.KindOver:
		refused := wire.Invalid(text)
		if known.Hint != "" {
			refused.Details = map[string]any{"hint": known.Hint}
		}
		return refused
	case approve.KindFailed:
	}
	return wire.Unavailable(text, known.Hint)
}

// auditApproval records an answer before it takes effect.
func (g *Gateway) auditApproval(ctx context.Context, r approve.Record) error {
	q := r.Request
	entry := AuditEntry{
		Event: "approval", Action: r.Action, Result: "denied", Reason: q.Rule,
		Details: map[string]any{
			"ask": r.ID, "agent": q.Agent, "run": q.Run, "pid": q.PID, "program": q.Program, "command_line": q.CommandLine,
			"class": string(q.Class), "operation": q.Operation, "held": r.Held,
		},
	}
	switch r.Action {
	case "allow":
		entry.Result = "allowed"
	case "undo":
		entry.Result = "success"
	}
	for name, value := range map[string]string{"scope": string(r.Scope), "match": string(r.Match), "note": r.Note, "client": r.By, "connection": q.Connection} {
		if value != "" {
			entry.Details[name] = value
		}
	}
	switch q.Class {
	case policy.ClassPathRead, policy.ClassPathWrite:
		entry.Path = q.Target
	default:
		entry.Target = q.Target
	}
	if r.Action == "miss" {
		entry.User, entry.IP = q.Agent, "local"
		return g.deps.Audit(ctx, entry)
	}
	return g.auditAct(ctx, r.From, entry)
}

// pastDenial is what a denial of the listed ones asked for, as far as a rule can be
// made of it: its target is a name, and no secret was taken out of that.
func (g *Gateway) pastDenial(id string) (approve.Denial, bool) {
	number, _ := event.DenialOf(id)
	d, found := g.registry.Denial(number)
	if !found || d.Masked || d.Target == registry.MoreTargets {
		return approve.Denial{}, false
	}
	request := approve.Request{
		Agent: d.Agent, Run: d.Run, PID: d.PID, Program: d.Program, CommandLine: d.CommandLine, Class: d.Class, Operation: d.Operation,
		Target: d.Target, Rule: d.Rule, Origin: d.Origin, Mechanism: d.Mechanism,
	}
	if compiled, err := g.deps.Config.Current().Policy(d.Agent); err == nil {
		request.NeverAlways, request.Home = compiled.NeverAlways, compiled.Home
	}
	return approve.Denial{Request: request, First: d.First, Last: d.Last, Count: d.Count}, true
}

// takeBack has the cages of an agent let nothing more pass by a yes of before. What a
// supervisor that is away let pass so is over in two seconds.
func (r *runs) takeBack(agent string) {
	r.mu.Lock()
	conns := map[string]*hub.Conn{}
	for id, one := range r.live {
		if one.agent == agent && one.conn != nil {
			conns[id] = one.conn
		}
	}
	r.mu.Unlock()
	for id, conn := range conns {
		_ = conn.Push(wire.EventAskTakenBack, wire.AskTakenBack{Run: id})
	}
}

// lives reports whether a run goes on.
func (r *runs) lives(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.live[id] != nil
}

// policyOf returns the agent and the policy of a run of this connection's
// supervisor.
func (r *runs) policyOf(id string, conn *hub.Conn) (agent string, compiled *policy.Policy, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.live[id]
	if one == nil || one.conn != conn {
		return "", nil, wire.NotFound("there is no such run of this connection", "take it back with "+wire.MethodRunResume)
	}
	return one.agent, one.policy, nil
}

// judge is what the policy of a request's run says of it now.
func (r *runs) judge(q *approve.Request) policy.Decision {
	r.mu.Lock()
	var now *policy.Policy
	if one := r.live[q.Run]; one != nil {
		now = one.policy
	}
	r.mu.Unlock()
	if now == nil {
		return policy.Decision{Effect: policy.Ask} // its run has ended, and with it the ask
	}
	return approve.Judge(now, q.Class, q.Target)
}
