package gateway

import (
	"context"
	"time"

	"openclaw/gateway/auth"
	"openclaw/gateway/chat"
	"openclaw/gateway/hub"
	"openclaw/gateway/store"
	"openclaw/gateway/wire"
)

// sessionMethods are those of the sessions themselves.
func (c *chats) sessionMethods() []hub.Method {
	row := func(name string, scope auth.Scope, handle func(context.Context, *hub.Call) (any, error)) hub.Method {
		return hub.Method{Name: name, Scope: scope, Handle: handle}
	}
	quick := func(name string, handle func(*hub.Call) (any, error)) hub.Method {
		return hub.Method{Name: name, Scope: auth.ScopeRead, Quick: true, Handle: func(_ context.Context, call *hub.Call) (any, error) { return handle(call) }}
	}
	return []hub.Method{
		quick("sessions.subscribe", func(call *hub.Call) (any, error) {
			c.listeners.join(call.Conn, topicAll)
			return object{"subscribed": true}, nil
		}),
		quick("sessions.messages.subscribe", func(call *hub.Call) (any, error) { return c.follow(call, c.listeners.join, true) }),
		quick("sessions.messages.unsubscribe", func(call *hub.Call) (any, error) { return c.follow(call, c.listeners.leave, false) }),
		row("sessions.list", auth.ScopeRead, c.list),
		row("sessions.describe", auth.ScopeRead, c.describe),
		row("sessions.get", auth.ScopeRead, c.get),
		row("sessions.preview", auth.ScopeRead, c.preview),
		row("sessions.resolve", auth.ScopeRead, c.resolve),
		row("sessions.create", auth.ScopeWrite, c.create),
		row("sessions.send", auth.ScopeWrite, c.sendTo),
		row("sessions.abort", auth.ScopeWrite, c.abortSession),
		row("sessions.patch", auth.ScopeWrite, c.patch),
		row("sessions.reset", auth.ScopeAdmin, c.reset),
		row("sessions.delete", auth.ScopeAdmin, c.remove),
	}
}

// keyParams name one session.
type keyParams struct {
	Key        string `json:"key"`
	SessionKey string `json:"sessionKey"`
	AgentID    string `json:"agentId"`
}

func (c *chats) keyOf(call *hub.Call, p keyParams) (key, agent string, err error) {
	if p.Key == "" {
		p.Key = p.SessionKey
	}
	return c.sessionOf(call.Method, p.Key, p.AgentID)
}

// mostFollowed bounds how many sessions one socket may follow.
const mostFollowed = 256

func (c *chats) follow(call *hub.Call, do func(*hub.Conn, string), subscribed bool) (any, error) {
	var p keyParams
	if err := call.Decode(&p); err != nil {
		return nil, err
	}
	key, _, err := c.keyOf(call, p)
	if err != nil {
		return nil, err
	}
	if subscribed && c.listeners.count(call.Conn) >= mostFollowed {
		return nil, wire.Unavailable("this socket follows as many sessions as it may", "unsubscribe from some, or use sessions.subscribe")
	}
	do(call.Conn, topicSession(key))
	return object{"subscribed": subscribed, "key": key}, nil
}

func (l *listeners) count(conn *hub.Conn) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, conns := range l.topics {
		if _, is := conns[conn]; is {
			n++
		}
	}
	return n
}

func (c *chats) list(ctx context.Context, call *hub.Call) (any, error) {
	p := struct {
		Limit              int    `json:"limit"`
		Offset             int    `json:"offset"`
		ActiveMinutes      int    `json:"activeMinutes"`
		Label              string `json:"label"`
		AgentID            string `json:"agentId"`
		Search             string `json:"search"`
		IncludeLastMessage bool   `json:"includeLastMessage"`
	}{Limit: 100}
	if err := call.Decode(&p); err != nil {
		return nil, err
	}
	if p.Limit < 1 || p.Offset < 0 || p.ActiveMinutes < 0 {
		return nil, wire.Invalid("invalid sessions.list params: limit is at least 1, offset and activeMinutes not negative")
	}
	query := store.Query{Label: p.Label, Search: p.Search, Limit: min(p.Limit, 1000), Offset: p.Offset}
	agent := c.g.defaultAgent()
	if p.AgentID != "" {
		agent = c.agentNamed(p.AgentID)
		query.Agent = agent
	}
	if p.ActiveMinutes > 0 {
		query.Since = c.g.deps.Now().Add(-time.Duration(p.ActiveMinutes) * time.Minute)
	}
	found, total, err := c.store.Sessions(ctx, query)
	if err != nil {
		return nil, c.refusal(err)
	}
	rows := make([]wire.SessionRow, 0, len(found))
	for _, session := range found {
		row := c.row(session)
		if p.IncludeLastMessage {
			if row.LastMessage, err = c.lastWords(ctx, session.Key); err != nil {
				return nil, err
			}
		}
		rows = append(rows, row)
	}
	return object{
		"ts": c.g.deps.Now().UnixMilli(), "path": "[redacted]", "count": len(rows), "totalCount": total, "hasMore": p.Offset+len(rows) < total,
		"defaults": c.defaults(agent), "sessions": rows,
	}, nil
}

const (
	previewRunes = 200     // of a message that a list shows
	previewBytes = 4 << 20 // of the messages that are read to show the ends of one session
)

func (c *chats) lastWords(ctx context.Context, key string) (string, error) {
	messages, _, err := c.store.Messages(ctx, key, 1, 0)
	if err != nil || len(messages) == 0 {
		return "", c.refusal(err)
	}
	return shortRunes(chat.Plain(messages[0]), previewRunes), nil
}

func shortRunes(text string, most int) string {
	n := 0
	for at := range text {
		if n++; n > most {
			return text[:at] + "…"
		}
	}
	return text
}

func (c *chats) describe(ctx context.Context, call *hub.Call) (any, error) {
	var p struct {
		keyParams
		IncludeLastMessage bool `json:"includeLastMessage"`
	}
	if err := call.Decode(&p); err != nil {
		return nil, err
	}
	key, _, err := c.keyOf(call, p.keyParams)
	if err != nil {
		return nil, err
	}
	session, known, err := c.store.Session(ctx, key)
	if err != nil || !known {
		return object{"session": nil}, c.refusal(err)
	}
	row := c.row(session)
	if p.IncludeLastMessage {
		if row.LastMessage, err = c.lastWords(ctx, key); err != nil {
			return nil, err
		}
	}
	return object{"session": row}, nil
}

func (c *chats) get(ctx context.Context, call *hub.Call) (any, error) {
	p := struct {
		keyParams
		Limit int `json:"limit"`
	}{Limit: 200}
	if err := call.Decode(&p); err != nil {
		return nil, err
	}
	key, _, err := c.keyOf(call, p.keyParams)
	if err != nil {
		return nil, err
	}
	messages, _, err := c.messages(ctx, key, min(max(p.Limit, 1), 1000), 0)
	if err != nil {
		return nil, err
	}
	return object{"messages": messages}, nil
}

func (c *chats) preview(ctx context.Context, call *hub.Call) (any, error) {
	p := struct {
		Keys     []string `json:"keys"`
		Limit    int      `json:"limit"`
		MaxChars int      `json:"maxChars"`
	}{Limit: 12, MaxChars: 240}
	if err := call.Decode(&p); err != nil {
		return nil, err
	}
	if len(p.Keys) == 0 || p.Limit < 1 || p.MaxChars < 20 {
		return nil, wire.Invalid("invalid sessions.preview params: keys must not be empty, limit is at least 1, maxChars at least 20")
	}
	previews := []object{}
	for _, asked := range p.Keys[:min(len(p.Keys), 64)] {
		key, _, err := c.sessionOf(call.Method, asked, "")
		if err != nil {
			return nil, err
		}
		_, known, err := c.store.Session(ctx, key)
		if err != nil {
			return nil, c.refusal(err)
		}
		messages, _, err := c.store.Newest(ctx, key, min(p.Limit, 50), 0, previewBytes)
		if err != nil {
			return nil, c.refusal(err)
		}
		items := []object{}
		for _, m := range messages {
			items = append(items, object{"role": m.Role, "text": shortRunes(chat.Plain(m), min(p.MaxChars, 2000))})
		}
		status := "ok"
		if !known {
			status = "missing"
		} else if len(items) == 0 {
			status = "empty"
		}
		previews = append(previews, object{"key": asked, "status": status, "items": items})
	}
	return object{"ts": c.g.deps.Now().UnixMilli(), "previews": previews}, nil
}

func (c *chats) resolve(ctx context.Context, call *hub.Call) (any, error) {
	var p struct {
		keyParams
		SessionID    string `json:"sessionId"`
		Label        string `json:"label"`
		AllowMissing bool   `json:"allowMissing"`
	}
	if err := call.Decode(&p); err != nil {
		return nil, err
	}
	named := 0
	for _, given := range []string{p.Key, p.SessionID, p.Label} {
		if given != "" {
			named++
		}
	}
	if named != 1 {
		return nil, wire.Invalid("invalid sessions.resolve params: give one of key, sessionId and label")
	}
	var found []store.Session
	var err error
	if p.Key != "" {
		key, _, keyErr := c.keyOf(call, p.keyParams)
		if keyErr != nil {
			return nil, keyErr
		}
		var session store.Session
		var known bool
		if session, known, err = c.store.Session(ctx, key); known {
			found = []store.Session{session}
		}
	} else {
		query := store.Query{ID: p.SessionID, Label: p.Label, Limit: 10}
		if p.AgentID != "" {
			query.Agent = c.agentNamed(p.AgentID)
		}
		found, _, err = c.store.Sessions(ctx, query)
	}
	switch {
	case err != nil:
		return nil, c.refusal(err)
	case len(found) == 1:
		return object{"ok": true, "key": found[0].Key, "agentId": found[0].Agent}, nil
	case !p.AllowMissing:
		return nil, wire.Invalid("no session found, or more than one")
	}
	candidates := []object{}
	for _, session := range found {
		candidates = append(candidates, object{"key": session.Key, "agentId": session.Agent})
	}
	return object{"ok": false, "candidates": candidates}, nil
}
