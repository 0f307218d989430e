package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"openclaw/gateway/provider/standin"
	"openclaw/gateway/wire"
)

// A config that gives an agent nothing to talk to is told as that, at once, and
// nothing is kept.
func TestAgentWithoutAModelIsToldSo(t *testing.T) {
	h := talking(t, newFolder(t), nil)
	s := h.socket("operator.write")
	for key, want := range map[string]string{"agent:mute:main": "agents.mute.provider", "agent:nobody:main": "agents.nobody"} {
		answer := s.call("chat.send", object{"sessionKey": key, "message": "x", "idempotencyKey": "r"})
		if answer.OK || answer.Error.Code == "" || !strings.Contains(answer.Error.Hint(), want) {
			t.Errorf("%s", answer.raw)
		}
	}
	if _, err := os.Stat(h.layout.Conversations()); !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
}

// A run's id that is another session's is the client's mistake, and told as that.
func TestARunsIDIsOfOneSession(t *testing.T) {
	h := talking(t, newFolder(t), nil)
	s := h.socket("operator.write")
	s.ok("chat.send", object{"sessionKey": "main", "message": "here", "idempotencyKey": "one"})
	s.chats("one")
	answer := s.call("chat.send", object{"sessionKey": "agent:coder:other", "message": "there", "idempotencyKey": "one"})
	if answer.OK || answer.Error.Code != wire.CodeInvalidRequest || !strings.Contains(answer.Error.Message, "in another session") {
		t.Fatalf("%s", answer.raw)
	}
	if n := len(h.standin.Requests()); n != 1 {
		t.Fatalf("%d requests", n)
	}
}

// An abort ends the provider's work at once; what was said until then is kept
// and marked.
func TestAbortEndsTheRunAndKeepsWhatWasSaid(t *testing.T) {
	h := talking(t, newFolder(t), nil)
	s := h.socket("operator.write")
	h.standin.SetMode(standin.Endless)
	s.ok("chat.send", object{"sessionKey": "main", "message": "talk", "idempotencyKey": "long"})
	s.find("a second delta", func(f frame) bool {
		var e wire.ChatEvent
		return f.Event == wire.EventChat && json.Unmarshal(f.Payload, &e) == nil && e.State == "delta" && strings.Count(textOf(t, e.Message), "Hello") > 2
	})
	// The next one of the session waits for its turn, and is aborted with it.
	s.ok("chat.send", object{"sessionKey": "main", "message": "and then", "idempotencyKey": "behind"})
	row := s.ok("sessions.describe", object{"key": "agent:coder:main"})["session"].(object)
	if ids := row["activeRunIds"].([]any); len(ids) != 2 || ids[0] != "long" || row["hasActiveRun"] != true || row["status"] != "running" {
		t.Fatal(row)
	}
	if done := s.ok("chat.abort", object{"sessionKey": "main"}); done["aborted"] != true || len(done["runIds"].([]any)) != 2 {
		t.Fatal(done)
	}
	events := s.chats("long")
	end := events[len(events)-1]
	if end.State != "aborted" || end.StopReason != "aborted" || !strings.HasPrefix(textOf(t, end.Message), "Hello from") {
		t.Fatalf("%+v", end)
	}
	if events := s.chats("behind"); events[len(events)-1].State != "aborted" {
		t.Fatalf("%+v", events)
	}
	until(t, "the provider's work ends", func() bool { return h.standin.Left() == 1 })
	until(t, "the session is free", func() bool {
		return s.ok("chat.abort", object{"sessionKey": "main"})["aborted"] == false
	})
	row = s.ok("sessions.describe", object{"key": "agent:coder:main"})["session"].(object)
	if row["status"] != "killed" || row["hasActiveRun"] != false || len(h.standin.Requests()) != 1 {
		t.Fatal(row)
	}
	messages := s.ok("sessions.get", object{"key": "main"})["messages"].([]any)
	if len(messages) != 3 || messages[2].(object)["stopReason"] != "aborted" {
		t.Fatal(messages)
	}
	// A run that takes longer than it may is timed out.
	s.ok("chat.send", object{"sessionKey": "agent:main:slow", "message": "talk", "idempotencyKey": "slow", "timeoutMs": 100})
	events = s.chats("slow")
	if end := events[len(events)-1]; end.State != "error" || end.ErrorKind != "timeout" {
		t.Fatalf("%+v", end)
	}
}

// The runs of a session go one after the other, those of others beside them, and
// each is told what was said before it.
func TestRunsOfASessionTakeTurns(t *testing.T) {
	h := talking(t, newFolder(t), nil)
	s := h.socket("operator.write")
	const runs = 8
	for i := range runs {
		s.send("chat.send", object{"sessionKey": "main", "message": fmt.Sprint("word ", i), "idempotencyKey": fmt.Sprint("run ", i)})
	}
	for i := range runs {
		if events := s.chats(fmt.Sprint("run ", i)); events[len(events)-1].State != "final" {
			t.Fatalf("%+v", events)
		}
	}
	requests := h.standin.Requests()
	if len(requests) != runs {
		t.Fatal(len(requests))
	}
	for i, r := range requests {
		turns := sent(t, r)[1:]
		if len(turns) != 2*i+1 {
			t.Fatalf("request %d holds %q", i, turns)
		}
		for at, turn := range turns {
			if is := strings.HasPrefix(turn, "user: "); is != (at%2 == 0) {
				t.Fatalf("request %d holds %q", i, turns)
			}
		}
	}
}

// The method agent answers twice, and a repeat is the same run.
func TestAgentAnswersTwice(t *testing.T) {
	h := talking(t, newFolder(t), nil)
	s := h.socket("operator.write")
	params := object{"message": "hello agent", "agentId": "main", "deliver": false, "timeout": 600, "idempotencyKey": "twice"}
	both := func() (first, last object) {
		id := s.send("agent", params)
		var answers []frame
		s.find("two answers", func(f frame) bool {
			if f.Type == "res" && f.ID == id {
				answers = append(answers, f)
			}
			return len(answers) == 2
		})
		if err := errors.Join(json.Unmarshal(answers[0].Payload, &first), json.Unmarshal(answers[1].Payload, &last)); err != nil {
			t.Fatal(err)
		}
		return first, last
	}
	for range 2 {
		first, last := both()
		if first["status"] != "accepted" || first["sessionKey"] != "agent:main:main" || last["status"] != "ok" {
			t.Fatal(first, last)
		}
		if text := last["result"].(object)["payloads"].([]any)[0].(object)["text"]; text != standinSays {
			t.Fatal(last)
		}
	}
	if n := len(h.standin.Requests()); n != 1 {
		t.Fatalf("%d requests", n)
	}
	if done := s.ok("agent.wait", object{"runId": "twice", "timeoutMs": 1000}); done["status"] != "ok" {
		t.Fatal(done)
	}
	h.standin.SetMode(standin.Fail)
	params["idempotencyKey"] = "fails"
	id := s.send("agent", params)
	refused := s.find("the refusal", func(f frame) bool { return f.Type == "res" && f.ID == id && !f.OK })
	if refused.Error.Code != wire.CodeUnavailable || !strings.Contains(refused.Error.Message, "internal error of the stand-in") {
		t.Fatalf("%s", refused.raw)
	}
}
