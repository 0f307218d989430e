package gateway

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"openclaw/gateway/hub"
	"openclaw/gateway/store"
	"openclaw/gateway/wire"
)

// recent are the newest sessions as status shows them, and how many there are.
func (c *chats) recent(ctx context.Context) (rows []wire.SessionRow, total int, err error) {
	found, total, err := c.store.Sessions(ctx, store.Query{Limit: 5})
	rows = make([]wire.SessionRow, 0, len(found))
	for _, session := range found {
		rows = append(rows, c.row(session))
	}
	return rows, total, c.refusal(err)
}

// otherwise are params of sessions.create that ask for a session of another sort
// than there is: one without it is not what the client wanted.
var otherwise = [...]string{
	"attachments", "catalogId", "contextWindow", "cwd", "execNode", "fastMode", "fork", "forkFrom", "incognito", "model", "permissionMode",
	"projectGitUrl", "projectId", "task", "thinkingLevel", "toolOverrides", "worktree", "worktreeBaseRef", "worktreeName",
}

func refuseOtherwise(call *hub.Call) error {
	var given map[string]json.RawMessage
	if err := call.Decode(&given); err != nil {
		return err
	}
	for _, name := range otherwise {
		switch string(given[name]) {
		case "", "null", "false", "[]", `""`:
		default:
			return wire.NotBuilt("a session with " + name)
		}
	}
	return nil
}

func (c *chats) create(ctx context.Context, call *hub.Call) (any, error) {
	var p struct {
		keyParams
		Label          string `json:"label"`
		DisplayName    string `json:"displayName"`
		Message        string `json:"message"`
		IdempotencyKey string `json:"idempotencyKey"`
	}
	if err := call.Decode(&p); err != nil {
		return nil, err
	}
	if err := refuseOtherwise(call); err != nil {
		return nil, err
	}
	if p.Key == "" {
		p.Key = "session-" + uuid.NewString()
	}
	if p.Label == "" {
		p.Label = p.DisplayName
	}
	key, agent, err := c.keyOf(call, p.keyParams)
	if err != nil {
		return nil, err
	}
	if len(p.Label) > maxLabel {
		return nil, wire.Invalid("invalid sessions.create params: label is at most 512 bytes")
	}
	if _, err := c.model(agent); err != nil {
		return nil, err
	}
	session, err := c.store.Open(ctx, key, agent, p.Label)
	if err != nil {
		return nil, c.refusal(err)
	}
	row := c.row(session)
	c.changed(key, agent, "create", &row)
	out := object{"ok": true, "key": key, "sessionId": session.ID, "entry": row, "runStarted": false}
	if p.Message == "" {
		return out, nil
	}
	if p.IdempotencyKey == "" {
		p.IdempotencyKey = uuid.NewString()
	}
	run, _, err := c.start(ctx, call, request{key: key, message: p.Message, run: p.IdempotencyKey})
	if err != nil {
		refusal := wire.Unavailable(err.Error(), "")
		out["runError"] = object{"code": refusal.Code, "message": refusal.Message}
		return out, nil
	}
	out["runStarted"], out["runId"] = true, run.ID
	if run.Number() > 0 {
		out["messageSeq"] = run.Number()
	}
	return out, nil
}

const maxLabel = 512

func (c *chats) sendTo(ctx context.Context, call *hub.Call) (any, error) {
	var p struct {
		keyParams
		Message        string `json:"message"`
		Thinking       string `json:"thinking"`
		Attachments    []any  `json:"attachments"`
		TimeoutMS      int64  `json:"timeoutMs"`
		IdempotencyKey string `json:"idempotencyKey"`
	}
	if err := call.Decode(&p); err != nil {
		return nil, err
	}
	if p.Key == "" {
		p.Key = p.SessionKey
	}
	if p.IdempotencyKey == "" {
		p.IdempotencyKey = uuid.NewString()
	}
	run, again, err := c.start(ctx, call, request{
		key: p.Key, agent: p.AgentID, message: p.Message, run: p.IdempotencyKey, thinking: p.Thinking, attachments: p.Attachments,
		timeout: time.Duration(p.TimeoutMS) * time.Millisecond,
	})
	if err != nil {
		return nil, err
	}
	out := object{"runId": run.ID, "status": startedOr(run, again)}
	if run.Number() > 0 {
		out["messageSeq"] = run.Number()
	}
	return out, nil
}

func (c *chats) abortSession(_ context.Context, call *hub.Call) (any, error) {
	var p struct {
		keyParams
		RunID string `json:"runId"`
	}
	if err := call.Decode(&p); err != nil {
		return nil, err
	}
	var key string
	if run, known := c.engine.Find(p.RunID); known && p.Key == "" {
		key = run.Session
	} else {
		var err error
		if key, _, err = c.keyOf(call, p.keyParams); err != nil {
			return nil, err
		}
	}
	ids := c.engine.Abort(key, p.RunID)
	if len(ids) == 0 {
		return object{"ok": true, "abortedRunId": nil, "status": "no-active-run"}, nil
	}
	return object{"ok": true, "abortedRunId": ids[0], "status": "aborted"}, nil
}

// patch changes a session's label, which is all that a session has of its own.
func (c *chats) patch(ctx context.Context, call *hub.Call) (any, error) {
	var given map[string]json.RawMessage
	if err := call.Decode(&given); err != nil {
		return nil, err
	}
	var p struct {
		keyParams
		Label *string `json:"label"`
	}
	if err := call.Decode(&p); err != nil {
		return nil, err
	}
	key, agent, err := c.keyOf(call, p.keyParams)
	if err != nil {
		return nil, err
	}
	_, labelled := given["label"]
	if !labelled {
		return nil, wire.Unavailable("of a session, only its label can be changed", "provider and model are the agent's: change agents."+agent+" in the config")
	}
	label := ""
	if p.Label != nil {
		label = *p.Label
	}
	if len(label) > maxLabel {
		return nil, wire.Invalid("invalid sessions.patch params: label is at most 512 bytes")
	}
	session, _, err := c.store.Append(ctx, key, "", store.Change{Label: &label})
	if err != nil {
		return nil, c.refusal(err)
	}
	row := c.row(session)
	c.changed(key, agent, "patch", &row)
	return object{"ok": true, "key": key, "entry": row}, nil
}

// reset empties a session; its runs end first.
func (c *chats) reset(ctx context.Context, call *hub.Call) (any, error) {
	var p struct {
		keyParams
		Reason string `json:"reason"`
	}
	if err := call.Decode(&p); err != nil {
		return nil, err
	}
	key, agent, err := c.keyOf(call, p.keyParams)
	if err != nil {
		return nil, err
	}
	if err := c.engine.AbortAll(ctx, key); err != nil {
		return nil, err
	}
	if err := c.audit(ctx, call, "reset", key, agent); err != nil {
		return nil, err
	}
	session, err := c.store.Reset(ctx, key, agent)
	if err != nil {
		return nil, c.refusal(err)
	}
	reason := "reset"
	if p.Reason == "new" {
		reason = "new"
	}
	row := c.row(session)
	c.changed(key, agent, reason, &row)
	return object{"ok": true, "key": key, "sessionId": session.ID, "entry": row}, nil
}

// remove deletes a session and its messages; its runs end first.
func (c *chats) remove(ctx context.Context, call *hub.Call) (any, error) {
	var p struct {
		keyParams
		DeleteTranscript *bool  `json:"deleteTranscript"`
		ExpectedID       string `json:"expectedSessionId"`
		ArchivedOnly     bool   `json:"archivedOnly"`
	}
	if err := call.Decode(&p); err != nil {
		return nil, err
	}
	key, agent, err := c.keyOf(call, p.keyParams)
	if err != nil {
		return nil, err
	}
	if p.ArchivedOnly || p.DeleteTranscript != nil && !*p.DeleteTranscript {
		return nil, wire.NotBuilt("an archive of sessions: a session's messages go with it, and a delete that keeps them")
	}
	if err := c.engine.AbortAll(ctx, key); err != nil {
		return nil, err
	}
	if err := c.audit(ctx, call, "delete", key, agent); err != nil {
		return nil, err
	}
	deleted, err := c.store.Delete(ctx, key, p.ExpectedID)
	if err != nil {
		return nil, c.refusal(err)
	}
	if deleted {
		c.changed(key, agent, "delete", nil)
	}
	return object{"ok": true, "key": key, "deleted": deleted, "archived": []any{}}, nil
}

// audit records what takes messages away, before it does.
func (c *chats) audit(ctx context.Context, call *hub.Call, action, key, agent string) error {
	return c.g.auditAct(ctx, call.Conn.Peer.From, AuditEntry{Event: "session_" + action, Action: action, Target: key, Details: map[string]any{"agent": agent}})
}
