package gateway

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"openclaw/gateway/chat"
	"openclaw/gateway/provider/standin"
	"openclaw/gateway/store"
)

// Who asks again, after a restart, for a run that did not go well is not told that it
// did; who asks again for one that did gets its answer, without the model being asked.
func TestARunIsRecalledAsItEnded(t *testing.T) {
	layout := newFolder(t)
	h := talking(t, layout, nil)
	s := h.socket("operator.write")
	for _, row := range []struct {
		run  string
		mode standin.Mode
	}{{"well", standin.Normal}, {"broken", standin.Cut}, {"refused", standin.Fail}} {
		h.standin.SetMode(row.mode)
		s.ok("chat.send", object{"sessionKey": "main", "message": row.run, "idempotencyKey": row.run})
		s.chats(row.run)
	}
	h.standin.SetMode(standin.Endless)
	s.ok("chat.send", object{"sessionKey": "main", "message": "talk", "idempotencyKey": "stopped"})
	s.find("a delta", func(f frame) bool { return f.Event == "chat" && json.Valid(f.Payload) && deltaOf(f, "stopped") })
	s.ok("chat.abort", object{"sessionKey": "main", "runId": "stopped"})
	s.chats("stopped")
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	// What a gateway leaves that is killed before the model's first word.
	kept := store.New(store.Options{Path: layout.Conversations()})
	content, err := json.Marshal(chat.Text("words"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, known, err := kept.Accept(context.Background(), "agent:coder:main", "coder", store.Message{Run: "killed", Role: chat.RoleUser, Content: content}); err != nil || known {
		t.Fatal(err, known)
	}
	if err := kept.Close(); err != nil {
		t.Fatal(err)
	}

	h = talking(t, layout, nil)
	s = h.socket("operator.write")
	for run, want := range map[string]string{"well": "ok", "broken": "error", "refused": "error", "stopped": "aborted", "killed": "error"} {
		if ack := s.ok("chat.send", object{"sessionKey": "main", "message": run, "idempotencyKey": run}); ack["status"] != want {
			t.Errorf("%s: %v", run, ack)
		}
		waited := s.ok("agent.wait", object{"runId": run, "timeoutMs": 20_000})
		if since := time.Since(time.UnixMilli(int64(waited["endedAt"].(float64)))); waited["status"] != want || since < 0 || since > time.Hour {
			t.Errorf("%s: %v", run, waited)
		}
	}
	id := s.send("agent", object{"message": "well", "agentId": "coder", "sessionKey": "main", "idempotencyKey": "well"})
	var payload struct {
		Result struct{ Payloads []struct{ Text string } }
	}
	s.find("the kept answer", func(f frame) bool {
		return f.Type == "res" && f.ID == id && json.Unmarshal(f.Payload, &payload) == nil && len(payload.Result.Payloads) == 1
	})
	if payload.Result.Payloads[0].Text != standinSays {
		t.Errorf("%+v", payload)
	}
	if n := len(h.standin.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// deltaOf reports an event that shows more of a run's answer.
func deltaOf(f frame, run string) bool {
	var e struct{ RunID, State string }
	return json.Unmarshal(f.Payload, &e) == nil && e.RunID == run && e.State == "delta"
}
