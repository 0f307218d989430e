package gateway

import (
	"errors"
	"maps"
	"net/http"
	"os"
	"strings"
	"testing"

	"openclaw/gateway/wire"
)

// What a chat cannot do it refuses, in words: nothing that a client asks for is left
// out in silence, no client chooses the model, and nothing of it reaches a provider.
func TestWhatAChatDoesNotDoIsRefused(t *testing.T) {
	h := talking(t, newFolder(t), nil)
	s := h.socket("operator.admin")
	send := func(more object) object {
		all := object{"sessionKey": "main", "message": "words", "idempotencyKey": "run"}
		maps.Copy(all, more)
		return all
	}
	for _, row := range []struct {
		method string
		params object
		code   string
		words  string
	}{
		{"chat.send", send(object{"message": " \n"}), wire.CodeInvalidRequest, "message must not be empty"},
		{"chat.send", send(object{"message": strings.Repeat("x", 4<<20+1)}), wire.CodeInvalidRequest, "longer than 4 MiB"},
		{"chat.send", send(object{"idempotencyKey": ""}), wire.CodeInvalidRequest, "idempotencyKey"},
		{"chat.send", send(object{"idempotencyKey": strings.Repeat("k", 257)}), wire.CodeInvalidRequest, "idempotencyKey"},
		{"chat.send", send(object{"timeoutMs": -1}), wire.CodeInvalidRequest, "not negative"},
		{"chat.send", send(object{"attachments": []object{{"type": "image"}}}), wire.CodeUnavailable, "attachments is not built yet"},
		{"chat.send", send(object{"deliver": true}), wire.CodeUnavailable, "delivery to a channel is not built yet"},
		{"chat.send", send(object{"thinking": "high"}), wire.CodeUnavailable, "thinking level is not built yet"},
		{"chat.send", send(object{"agentId": "main", "sessionKey": "agent:coder:main"}), wire.CodeInvalidRequest, ""},
		{"agent", object{"message": "words", "idempotencyKey": "run", "model": "another"}, wire.CodeForbidden, "the model that its agent has"},
		{"agent", object{"message": "words", "idempotencyKey": "run", "provider": "another"}, wire.CodeForbidden, "the model that its agent has"},
		{"agent", object{"message": "words", "idempotencyKey": "run", "sessionId": "nobody's"}, wire.CodeNotFound, "no such session"},
		{"chat.history", object{"sessionKey": "main", "limit": 1001}, wire.CodeInvalidRequest, ""},
		{"chat.history", object{"sessionKey": "main", "limit": -1}, wire.CodeInvalidRequest, ""},
		{"chat.history", object{"sessionKey": "main", "offset": -1}, wire.CodeInvalidRequest, ""},
		{"logs.tail", object{"limit": 0}, wire.CodeInvalidRequest, ""},
		{"logs.tail", object{"maxBytes": 1_000_001}, wire.CodeInvalidRequest, ""},
		{"logs.tail", object{"cursor": -1}, wire.CodeInvalidRequest, ""},
	} {
		answer := s.call(row.method, row.params)
		if answer.OK || answer.Error == nil || answer.Error.Code != row.code || !strings.Contains(answer.Error.Message, row.words) {
			t.Errorf("%s, to be refused with %s %q: %.300s", row.method, row.code, row.words, answer.raw)
		}
	}
	if n := len(h.standin.Requests()); n != 0 {
		t.Errorf("%d requests reached the provider", n)
	}
	if _, err := os.Stat(h.layout.Conversations()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something of it is kept: %v", err)
	}
}

// What takes messages away is not done where it cannot be recorded.
func TestASessionIsNotEmptiedUnrecorded(t *testing.T) {
	h := talking(t, newFolder(t), nil)
	s := h.socket("operator.admin")
	s.ok("chat.send", object{"sessionKey": "agent:main:main", "message": "words", "idempotencyKey": "run"})
	s.chats("run")
	h.breakAudit(errors.New("no space left on device"))
	for _, method := range []string{"sessions.reset", "sessions.delete"} {
		if answer := s.call(method, object{"key": "agent:main:main"}); answer.OK {
			t.Errorf("%s: %s", method, answer.raw)
		}
	}
	if page := s.ok("chat.history", object{"sessionKey": "agent:main:main"}); page["totalMessages"] != 2.0 {
		t.Errorf("%v messages are left of 2", page["totalMessages"])
	}
}

// The header that names an agent chooses it where the model's name leaves it open, and
// nowhere else.
func TestTheAgentOfACompletionByItsHeader(t *testing.T) {
	h := talking(t, newFolder(t), nil)
	for i, row := range []struct{ model, header, upstream string }{
		{"openclaw", "main", "/v1/messages"}, {"openclaw/default", "main", "/v1/messages"},
		{"openclaw", "", "/v1/chat/completions"}, {"openclaw/coder", "main", "/v1/chat/completions"},
	} {
		status, _, answer := h.post("/v1/chat/completions", object{"model": row.model, "messages": messages{user("x")}}, "X-OpenClaw-Agent-Id", row.header)
		requests := h.standin.Requests()
		if status != http.StatusOK || len(requests) != i+1 || requests[i].Path != row.upstream {
			t.Errorf("%s with %q: %d %s, %d requests", row.model, row.header, status, answer, len(requests))
		}
	}
	if status, _, answer := h.post("/v1/chat/completions", object{"model": "openclaw", "messages": messages{user("x")}}, "X-OpenClaw-Agent-Id", "nobody"); status != http.StatusNotFound {
		t.Errorf("an agent that is not there: %d %s", status, answer)
	}
}
