package gateway

import (
	"context"
	"strings"
	"time"

	"openclaw/gateway/auth"
	"openclaw/gateway/chat"
	"openclaw/gateway/hub"
	"openclaw/gateway/store"
	"openclaw/gateway/wire"
)

// methods are the published protocol's for conversations.
func (c *chats) methods() []hub.Method {
	row := func(name string, scope auth.Scope, handle func(context.Context, *hub.Call) (any, error)) hub.Method {
		return hub.Method{Name: name, Scope: scope, Handle: handle}
	}
	return append(c.sessionMethods(),
		row("chat.send", auth.ScopeWrite, c.send),
		row("chat.abort", auth.ScopeWrite, c.abort),
		row("chat.history", auth.ScopeRead, c.history),
		row("agent", auth.ScopeWrite, c.agent),
		row("agent.wait", auth.ScopeWrite, c.wait),
		row("models.list", auth.ScopeRead, c.models),
	)
}

// request is what a client wants said, however its method spells it.
type request struct {
	key, agent, message, run, system string
	thinking                         string
	deliver                          bool
	attachments                      []any
	timeout                          time.Duration
	ready                            <-chan struct{} // see chat.Request; nil: once the call is answered
}

// start checks a request and begins its run.
func (c *chats) start(ctx context.Context, call *hub.Call, r request) (run *chat.Run, again bool, err error) {
	invalid := func(what string) error { return wire.Invalid("invalid " + call.Method + " params: " + what) }
	switch {
	case strings.TrimSpace(r.message) == "":
		return nil, false, invalid("message must not be empty")
	case len(r.message) > chat.MaxMessage:
		return nil, false, invalid("message is longer than 4 MiB")
	case r.run == "" || len(r.run) > 256:
		return nil, false, invalid("idempotencyKey is 1 to 256 bytes")
	case r.timeout < 0:
		return nil, false, invalid("a timeout is not negative")
	case len(r.attachments) > 0:
		return nil, false, wire.NotBuilt("a chat's attachments")
	case r.deliver:
		return nil, false, wire.NotBuilt("delivery to a channel")
	case r.thinking != "" && r.thinking != "off" && r.thinking != "default":
		return nil, false, wire.NotBuilt("a chat's thinking level")
	}
	key, agent, err := c.sessionOf(call.Method, r.key, r.agent)
	if err != nil {
		return nil, false, err
	}
	// It hears of its run from the first event on, which may come before the answer.
	c.listeners.join(call.Conn, topicRun(r.run))
	if r.ready == nil { // whoever sends it knows of it when it is answered
		ready := make(chan struct{})
		call.After(func() { close(ready) })
		r.ready = ready
	}
	run, again, err = c.engine.Send(ctx, chat.Request{
		Run: r.run, Session: key, Agent: agent, Message: r.message, System: r.system, Timeout: r.timeout, From: call.Conn.Peer.From, Owner: call.Conn.Admission.Token,
		Ready: r.ready,
	})
	if err != nil || again && hasEnded(run) { // an end that comes later takes all its listeners away
		c.listeners.leave(call.Conn, topicRun(r.run))
	}
	return run, again, c.refusal(err)
}

func (c *chats) send(ctx context.Context, call *hub.Call) (any, error) {
	var p wire.ChatSend
	if err := call.Decode(&p); err != nil {
		return nil, err
	}
	run, again, err := c.start(ctx, call, request{
		key: p.SessionKey, agent: p.AgentID, message: p.Message, run: p.IdempotencyKey, thinking: p.Thinking, deliver: p.Deliver, attachments: p.Attachments,
		timeout: time.Duration(p.TimeoutMS) * time.Millisecond,
	})
	if err != nil {
		return nil, err
	}
	return object{"runId": run.ID, "status": startedOr(run, again)}, nil
}

func hasEnded(run *chat.Run) bool {
	select {
	case <-run.Done():
		return true
	default:
		return false
	}
}

// startedOr is the word for a run that begins, is under way already, or has ended.
func startedOr(run *chat.Run, again bool) string {
	switch {
	case !again:
		return "started"
	case hasEnded(run):
		return run.Result().Status
	default:
		return "in_flight"
	}
}

func (c *chats) abort(_ context.Context, call *hub.Call) (any, error) {
	var p struct {
		SessionKey string `json:"sessionKey"`
		AgentID    string `json:"agentId"`
		RunID      string `json:"runId"`
	}
	if err := call.Decode(&p); err != nil {
		return nil, err
	}
	key, _, err := c.sessionOf(call.Method, p.SessionKey, p.AgentID)
	if err != nil {
		return nil, err
	}
	ids := c.engine.Abort(key, p.RunID)
	return object{"ok": true, "aborted": len(ids) > 0, "runIds": ids}, nil
}

// historyBytes bounds the messages of one answer; a client's frame takes 25 MiB.
const historyBytes = 8 << 20

func (c *chats) history(ctx context.Context, call *hub.Call) (any, error) {
	p := struct {
		SessionKey string `json:"sessionKey"`
		AgentID    string `json:"agentId"`
		Limit      int    `json:"limit"`
		Offset     int    `json:"offset"`
	}{Limit: 200}
	if err := call.Decode(&p); err != nil {
		return nil, err
	}
	key, agent, err := c.sessionOf(call.Method, p.SessionKey, p.AgentID)
	if err != nil {
		return nil, err
	}
	if p.Limit < 1 || p.Limit > 1000 || p.Offset < 0 {
		return nil, wire.Invalid("invalid chat.history params: limit is 1 to 1000, offset not negative")
	}
	messages, total, err := c.messages(ctx, key, p.Limit, p.Offset)
	if err != nil {
		return nil, err
	}
	out := object{"sessionKey": key, "messages": messages, "totalMessages": total, "hasMore": p.Offset+len(messages) < total, "defaults": c.defaults(agent)}
	if p.Offset+len(messages) < total {
		out["nextOffset"] = p.Offset + len(messages)
	}
	session, known, err := c.store.Session(ctx, key)
	if err != nil {
		return nil, c.refusal(err)
	}
	if known {
		out["sessionId"], out["sessionInfo"] = session.ID, c.row(session)
	}
	return out, nil
}

// messages are the newest of a session, oldest first, as many as fit an answer.
func (c *chats) messages(ctx context.Context, key string, limit, offset int) ([]*wire.ChatMessage, int, error) {
	kept, total, err := c.store.Newest(ctx, key, limit, offset, historyBytes)
	if err != nil {
		return nil, 0, c.refusal(err)
	}
	out := make([]*wire.ChatMessage, 0, len(kept))
	for _, m := range kept {
		out = append(out, chatMessage(m))
	}
	return out, total, nil
}

// defaults are what a new session of the agent talks to.
func (c *chats) defaults(agent string) object {
	out := noModel()
	if model, err := c.model(agent); err == nil {
		out["modelProvider"], out["model"] = model.Provider, model.Name
	}
	return out
}

// agent answers twice: when the run is accepted, and when it has ended. A client
// that leaves meanwhile does not end it.
func (c *chats) agent(ctx context.Context, call *hub.Call) (any, error) {
	var p wire.AgentRun
	if err := call.Decode(&p); err != nil {
		return nil, err
	}
	if p.Provider != "" || p.Model != "" {
		return nil, wire.Forbidden("a run asks the model that its agent has", "write provider and model of the agent in the config")
	}
	if p.SessionKey == "" {
		p.SessionKey = "main"
		if p.SessionID != "" {
			found, _, err := c.store.Sessions(ctx, store.Query{ID: p.SessionID, Limit: 1})
			if err != nil {
				return nil, c.refusal(err)
			}
			if len(found) == 0 {
				return nil, wire.NotFound("there is no such session", "")
			}
			p.SessionKey = found[0].Key
		}
	}
	ready := make(chan struct{})
	run, _, err := c.start(ctx, call, request{
		ready: ready, key: p.SessionKey, agent: p.AgentID, message: p.Message, run: p.IdempotencyKey, system: p.ExtraSystemPrompt, thinking: p.Thinking, deliver: p.Deliver,
		attachments: p.Attachments, timeout: time.Duration(p.Timeout) * time.Second,
	})
	if err != nil {
		return nil, err
	}
	err = call.First(object{"runId": run.ID, "sessionKey": run.Session, "agentId": run.Agent, "status": "accepted", "acceptedAt": c.g.deps.Now().UnixMilli()})
	close(ready)
	if err != nil {
		return nil, err
	}
	select {
	case <-run.Done():
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return runResult(run)
}

// runResult is the second answer of agent.
func runResult(run *chat.Run) (any, error) {
	result := run.Result()
	if result.Fault != nil {
		e := &wire.Error{Code: wire.CodeUnavailable, Message: result.Fault.Message, Details: object{"runId": run.ID, "status": result.Status, "errorKind": string(result.Fault.Kind)}}
		e.Retryable = result.Fault.Kind == chat.FaultRate || result.Fault.Kind == chat.FaultTimeout
		return nil, e
	}
	return object{
		"runId": run.ID, "status": result.Status, "summary": "completed",
		"result": object{
			"payloads": []object{{"text": result.Answer.Text, "mediaUrl": nil}},
			"meta": object{
				"durationMs": result.Ended.Sub(result.Started).Milliseconds(),
				"agentMeta":  object{"sessionId": run.SessionID(), "provider": run.Model.Provider, "model": result.Answer.Model, "usage": result.Answer.Usage},
			},
		},
	}, nil
}

const longestWait = 10 * time.Minute

func (c *chats) wait(ctx context.Context, call *hub.Call) (any, error) {
	p := struct {
		RunID     string `json:"runId"`
		TimeoutMS int64  `json:"timeoutMs"`
	}{TimeoutMS: 30_000}
	if err := call.Decode(&p); err != nil {
		return nil, err
	}
	run, known := c.engine.Find(p.RunID)
	if !known {
		return nil, wire.NotFound("there is no such run", "runs that ended long ago are not remembered")
	}
	timer := time.NewTimer(min(max(time.Duration(p.TimeoutMS)*time.Millisecond, 0), longestWait))
	defer timer.Stop()
	select {
	case <-run.Done():
	case <-timer.C:
		return object{"runId": run.ID, "status": "timeout"}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	result := run.Result()
	out := object{"runId": run.ID, "status": result.Status, "startedAt": result.Started.UnixMilli(), "endedAt": result.Ended.UnixMilli()}
	if result.Fault != nil {
		out["error"] = result.Fault.Message
	}
	return out, nil
}

// models are those that the agents talk to.
func (c *chats) models(context.Context, *hub.Call) (any, error) {
	models, seen := []object{}, map[chat.Model]bool{}
	for _, agent := range c.g.deps.Config.Current().Agents() {
		model, err := c.model(agent)
		if err != nil || seen[model] {
			continue // an agent without one adds none
		}
		seen[model] = true
		models = append(models, object{"id": model.Name, "name": model.Name, "provider": model.Provider})
	}
	return object{"models": models}, nil
}
