package gateway

import (
	"encoding/json"

	"openclaw/gateway/chat"
	"openclaw/gateway/hub"
	"openclaw/gateway/store"
	"openclaw/gateway/wire"
)

// show tells the listeners of a run what it did.
func (c *chats) show(e chat.Event) {
	run := e.Run
	base := wire.ChatEvent{RunID: run.ID, SessionKey: run.Session, AgentID: run.Agent, Seq: e.Seq}
	lifecycle := func(data map[string]any) {
		c.push(run, wire.EventAgent, wire.AgentEvent{RunID: run.ID, Seq: e.Seq, Stream: "lifecycle", TS: e.Time.UnixMilli(), Data: data})
	}
	switch e.State {
	case chat.StateKept:
		c.tellMessage(e)
	case chat.StateStarted:
		base.State, base.Phase = "status", "preparing_context"
		c.push(run, wire.EventChat, base)
		lifecycle(map[string]any{"phase": "start", "startedAt": e.Time.UnixMilli()})
		c.tellSession(e, "run", "start")
	case chat.StateAsking:
		base.State, base.Phase = "status", "starting_model"
		c.push(run, wire.EventChat, base)
	case chat.StateDelta:
		base.State, base.DeltaText = "delta", &e.Delta
		base.Message = &wire.ChatMessage{Role: chat.RoleAssistant, Content: chat.Text(e.Text), Timestamp: e.Time.UnixMilli()}
		c.push(run, wire.EventChat, base)
	case chat.StateFinal, chat.StateAborted, chat.StateError:
		c.tellEnd(e, base, lifecycle)
	case chat.StateEnded:
		phase := "end"
		if run.Result().Fault != nil {
			phase = "error"
		}
		c.tellSession(e, "run", phase)
		c.listeners.end(topicRun(run.ID))
	}
}

func (c *chats) tellEnd(e chat.Event, base wire.ChatEvent, lifecycle func(map[string]any)) {
	result := e.Run.Result()
	base.State, base.StopReason = string(e.State), result.Answer.StopReason
	if result.Message != nil {
		base.Message = chatMessage(*result.Message)
	} else if e.State == chat.StateFinal {
		// A client that gets none here would read the history for it.
		base.Message = &wire.ChatMessage{Role: chat.RoleAssistant, Content: chat.Text(""), Timestamp: e.Time.UnixMilli()}
	}
	data := map[string]any{"phase": "end", "endedAt": e.Time.UnixMilli(), "stopReason": base.StopReason}
	if result.Answer.Usage.Total > 0 && e.State != chat.StateAborted {
		base.Usage = result.Answer.Usage
	}
	if e.State != chat.StateFinal && result.Fault.Message != result.Status { // "aborted" need not be said twice
		base.ErrorMessage = result.Fault.Message
	}
	if e.State == chat.StateError {
		base.ErrorKind = string(result.Fault.Kind)
		base.ErrorDetail = &wire.ErrorDetail{Provider: e.Run.Model.Provider, Model: e.Run.Model.Name, ProviderErrorType: result.Fault.Type, HTTPStatus: result.Fault.Status}
		data["phase"], data["error"] = "error", result.Fault.Message
	}
	lifecycle(data)
	c.push(e.Run, wire.EventChat, base)
}

// push sends an event of a run to whoever sent it or listens to it.
func (c *chats) push(run *chat.Run, name string, payload any) {
	c.pushTo(c.listeners.of(topicAll, topicSession(run.Session), topicRun(run.ID)), name, payload)
}

func (c *chats) pushTo(conns []*hub.Conn, name string, payload any) {
	if len(conns) == 0 {
		return
	}
	body, err := json.Marshal(payload)
	if err != nil {
		c.g.log.Error("an event of a chat could not be encoded", "event", name, "error", err.Error())
		return
	}
	for _, conn := range conns {
		_ = conn.Push(name, json.RawMessage(body)) // one that does not keep up is closed by that
	}
}

// tellMessage sends a message that was kept to those who follow its session.
func (c *chats) tellMessage(e chat.Event) {
	if e.Kept.Role == chat.RoleUser {
		c.tellSession(e, "send", "")
	}
	c.pushTo(c.listeners.of(topicSession(e.Run.Session)), wire.EventSessionMessage, wire.SessionMessage{
		SessionKey: e.Run.Session, AgentID: e.Run.Agent, SessionID: e.Session.ID, RunID: e.Run.ID, MessageSeq: e.Kept.Number,
		UpdatedAt: e.Session.Updated.UnixMilli(), Message: chatMessage(*e.Kept),
	})
}

func (c *chats) tellSession(e chat.Event, reason, phase string) {
	run, row := e.Run, c.row(e.Session)
	c.pushTo(c.listeners.of(topicAll), wire.EventSessionsChanged, wire.SessionChanged{
		SessionKey: run.Session, AgentID: run.Agent, SessionID: row.SessionID, Reason: reason, Phase: phase, RunID: run.ID, TS: c.g.deps.Now().UnixMilli(), Session: &row,
	})
}

// changed tells of a session that somebody changed; row is nil when it is gone.
func (c *chats) changed(key, agent, reason string, row *wire.SessionRow) {
	event := wire.SessionChanged{SessionKey: key, AgentID: agent, Reason: reason, TS: c.g.deps.Now().UnixMilli(), Session: row}
	if row != nil {
		event.SessionID = row.SessionID
	}
	c.pushTo(c.listeners.of(topicAll), wire.EventSessionsChanged, event)
}

// row is a session as the protocol lists it.
func (c *chats) row(s store.Session) wire.SessionRow {
	active := c.engine.Active(s.Key)
	status := s.Status
	if len(active) == 0 && status == chat.SessionRunning {
		status = chat.SessionFailed // the gateway ended under it
	}
	return wire.SessionRow{
		Key: s.Key, SessionID: s.ID, Kind: "direct", AgentID: s.Agent, Label: s.Label, UpdatedAt: s.Updated.UnixMilli(), CreatedAt: s.Created.UnixMilli(),
		ModelProvider: s.Provider, Model: s.Model, InputTokens: s.InputTokens, OutputTokens: s.OutputTokens, TotalTokens: s.InputTokens + s.OutputTokens,
		Status: status, LastRunID: s.LastRun, LastRunError: s.LastError, HasActiveRun: len(active) > 0, ActiveRunIDs: active,
	}
}

// chatMessage is a kept message in the protocol's shape.
func chatMessage(m store.Message) *wire.ChatMessage {
	about := chat.AboutOf(m)
	out := &wire.ChatMessage{
		Role: m.Role, Timestamp: m.Created.UnixMilli(), Provider: about.Provider, Model: about.Model, StopReason: about.StopReason, ErrorMessage: about.ErrorMessage,
		RunID: m.Run, Seq: m.Number,
	}
	if about.Usage != nil {
		out.Usage = about.Usage
	}
	if out.Content = any(m.Content); m.Role == chat.RoleUser {
		out.Content = chat.Plain(m)
	}
	return out
}
