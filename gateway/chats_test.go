package gateway

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/limit"
	"openclaw/gateway/provider"
	"openclaw/gateway/provider/standin"
	"openclaw/gateway/wire"
)

// A conversation with both kinds of API: it is streamed, kept, remembered by the
// next message and over a restart, and the key is seen by the provider only.
func TestChatIsStreamedKeptAndGoesOnAfterARestart(t *testing.T) {
	for _, row := range []struct{ agent, path, model, key string }{
		{"main", "/v1/messages", "claude-stand-in", providerKey}, {"coder", "/v1/chat/completions", "gpt-stand-in", "Bearer " + providerKey},
	} {
		t.Run(row.agent, func(t *testing.T) {
			layout := newFolder(t)
			h := talking(t, layout, nil)
			s := h.socket("operator.write")
			key := "agent:" + row.agent + ":main"
			if ack := s.ok("chat.send", object{"sessionKey": key, "message": "first words", "idempotencyKey": "run-1", "deliver": false, "unknownField": 1}); ack["runId"] != "run-1" || ack["status"] != "started" {
				t.Fatal(ack)
			}
			events := s.chats("run-1")
			for _, f := range s.all() { // its answer comes before its first event
				if f.Event == wire.EventChat {
					t.Fatalf("an event before the answer: %s", f.raw)
				}
				if strings.HasSuffix(f.ID, "chat.send") {
					break
				}
			}
			said, seq := "", uint64(0)
			for _, e := range events {
				if e.Seq <= seq || e.SessionKey != key || e.AgentID != row.agent {
					t.Fatalf("%+v", e)
				}
				seq = e.Seq
				if e.State == "delta" {
					said += *e.DeltaText
					if textOf(t, e.Message) != said {
						t.Fatalf("%q is not the whole of %q", textOf(t, e.Message), said)
					}
				}
			}
			final := events[len(events)-1]
			if said != standinSays || final.State != "final" || textOf(t, final.Message) != standinSays || final.StopReason != "stop" || final.Message.Model == "" {
				t.Fatalf("%q %+v", said, final)
			}
			s.ok("chat.send", object{"sessionKey": key, "message": "second words", "idempotencyKey": "run-2"})
			s.chats("run-2")
			requests := h.standin.Requests()
			if len(requests) != 2 || requests[1].Path != row.path || max(requests[1].Header.Get("X-Api-Key"), requests[1].Header.Get("Authorization")) != row.key {
				t.Fatalf("%+v", requests)
			}
			want := []string{row.model, "user: first words", "assistant: " + standinSays, "user: second words"}
			if got := sent(t, requests[1]); !slices.Equal(got, want) {
				t.Fatal(got)
			}
			until(t, "one record a request", func() bool { return len(h.audited("api_call")) == 2 })
			call := h.audited("api_call")[1]
			if call.User != row.agent || call.Result != "success" || call.Details["run"] != "chat:run-2" || !strings.HasPrefix(call.IP, "127.0.0.1") {
				t.Fatalf("%+v", call)
			}
			if err := h.stop(); err != nil {
				t.Fatal(err)
			}
			h = talking(t, layout, nil)
			s = h.socket("operator.write")
			history := s.call("chat.history", object{"sessionKey": key})
			var page struct {
				Messages    []wire.ChatMessage
				SessionInfo wire.SessionRow
			}
			if err := json.Unmarshal(history.Payload, &page); err != nil || len(page.Messages) != 4 || textOf(t, &page.Messages[2]) != "second words" || page.SessionInfo.Status != "done" || page.SessionInfo.TotalTokens != 12 {
				t.Fatalf("%v %s", err, history.raw)
			}
			// A message that was sent before the restart is not sent again.
			if ack := s.ok("chat.send", object{"sessionKey": key, "message": "second words", "idempotencyKey": "run-2"}); ack["status"] != "ok" {
				t.Fatal(ack)
			}
			s.ok("chat.send", object{"sessionKey": key, "message": "third words", "idempotencyKey": "run-3"})
			s.chats("run-3")
			if got := sent(t, h.standin.Requests()[0]); len(got) != 6 || got[5] != "user: third words" {
				t.Fatal(got)
			}
			if err := h.stop(); err != nil {
				t.Fatal(err)
			}
			noFileHolds(t, layout.Root, providerKey)
			for _, f := range s.all() {
				if strings.Contains(string(f.raw), providerKey) {
					t.Fatalf("the key is in a frame: %s", f.raw)
				}
			}
		})
	}
}

func noFileHolds(t *testing.T, root, secret string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), secret) {
			t.Errorf("%s holds the key", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What a provider does wrong is an error of the run in the protocol's shape, and
// never shows the key.
func TestFaultsOfAProviderAreErrorsOfTheRun(t *testing.T) {
	t.Parallel() // it waits
	h := talking(t, newFolder(t), func(o *provider.Options) { o.IdleTimeout = 2 * time.Second })
	s := h.socket("operator.write")
	for i, row := range []struct {
		mode   standin.Mode
		kind   string
		status int
		text   string
	}{
		{standin.Fail, "unknown", 500, "internal error of the stand-in"},
		{standin.Overload, "rate_limit", 529, "overloaded"},
		{standin.EchoKey, "unknown", 401, "Incorrect API key provided"},
		{standin.Reset, "unknown", 502, "broke off"},
		{standin.Redirect, "unknown", 502, "redirect"},
		{standin.Cut, "unknown", 200, "broke off in the middle"},
		{standin.Stall, "timeout", 200, "fell silent"},
		{standin.EchoBody, "unknown", 200, "no answer of its API"},
	} {
		for _, agent := range []string{"main", "coder"} {
			run := fmt.Sprintf("run-%d-%s", i, agent)
			h.standin.SetMode(row.mode)
			s.ok("chat.send", object{"sessionKey": "agent:" + agent + ":faults", "message": "words", "idempotencyKey": run})
			events := s.chats(run)
			end := events[len(events)-1]
			if end.State != "error" || end.ErrorKind != row.kind || end.ErrorDetail == nil || end.ErrorDetail.HTTPStatus != row.status || !strings.Contains(end.ErrorMessage, row.text) || strings.Contains(end.ErrorMessage, providerKey) {
				t.Errorf("%s %s: %+v %+v", agent, row.mode, end, end.ErrorDetail)
			}
			if row.mode == standin.Cut && textOf(t, end.Message) != standinSays {
				t.Errorf("%s %s: what was said before it is gone: %+v", agent, row.mode, end)
			}
		}
	}
	h.standin.SetMode(standin.Normal)
	s.ok("chat.send", object{"sessionKey": "agent:main:faults", "message": "words", "idempotencyKey": "good"})
	if events := s.chats("good"); events[len(events)-1].State != "final" {
		t.Fatalf("%+v", events[len(events)-1])
	}
	row := s.ok("sessions.describe", object{"key": "agent:coder:faults"})["session"].(object)
	if row["status"] != "failed" || !strings.Contains(row["lastRunError"].(string), "no answer of its API") {
		t.Fatal(row)
	}
	for _, f := range s.all() {
		if strings.Contains(string(f.raw), providerKey) {
			t.Fatalf("the key is in a frame: %s", f.raw)
		}
	}
}

// wordMasker takes one word out, as the real one takes out secrets that it knows.
type wordMasker struct{ noMasker }

func (wordMasker) Text(text string) string {
	return strings.ReplaceAll(text, "overloaded", "••••")
}

// What a provider says of a fault is masked, and a call that has ended takes no
// room of the calls under way.
func TestFaultsAreMaskedAndGiveTheirRoomBack(t *testing.T) {
	h := talkingWith(t, newFolder(t), nil, func(d *Deps) { d.Masker = wordMasker{} })
	s := h.socket("operator.write")
	for range limit.CallsOfOne - 1 {
		call, ok := h.underWay.Enter("main", 0)
		if !ok {
			t.Fatal("no room")
		}
		defer call.Leave()
	}
	h.standin.SetMode(standin.Overload)
	for i := range 3 {
		run := fmt.Sprint("run ", i)
		s.ok("chat.send", object{"sessionKey": "agent:main:main", "message": "words", "idempotencyKey": run})
		events := s.chats(run)
		if end := events[len(events)-1]; end.ErrorMessage != "••••" || end.ErrorDetail.HTTPStatus != 529 {
			t.Fatalf("%+v", end)
		}
	}
}

// Each method needs the scope that the published table gives it.
func TestChatsNeedTheirScopes(t *testing.T) {
	h := talking(t, newFolder(t), nil)
	reader, writer := h.socket("operator.read"), h.socket("operator.write")
	for _, row := range []struct {
		from   *socket
		method string
		scope  string
	}{
		{reader, "chat.send", "operator.write"}, {reader, "chat.abort", "operator.write"}, {reader, "agent", "operator.write"}, {reader, "agent.wait", "operator.write"},
		{reader, "sessions.create", "operator.write"}, {reader, "sessions.send", "operator.write"}, {reader, "sessions.abort", "operator.write"}, {reader, "sessions.patch", "operator.write"},
		{writer, "sessions.reset", "operator.admin"}, {writer, "sessions.delete", "operator.admin"},
		{h.socket("operator.approvals"), "chat.history", "operator.read"}, {h.socket(), "sessions.subscribe", "operator.read"},
	} {
		answer := row.from.call(row.method, object{"key": "main", "sessionKey": "main", "message": "x", "idempotencyKey": "x"})
		if answer.OK || answer.Error.Code != wire.CodeForbidden || answer.Error.Details["missingScope"] != row.scope {
			t.Errorf("%s: %s", row.method, answer.raw)
		}
	}
	if len(h.standin.Requests()) != 0 {
		t.Fatal("a request was sent")
	}
}

// Events go to whoever sent the run or asked for them, and to nobody else.
func TestEventsGoToThoseWhoListen(t *testing.T) {
	h := talking(t, newFolder(t), nil)
	sender, all, one, other, nobody := h.socket("operator.write"), h.socket("operator.read"), h.socket("operator.read"), h.socket("operator.read"), h.socket("operator.read")
	all.ok("sessions.subscribe", object{})
	one.ok("sessions.messages.subscribe", object{"key": "agent:main:main"})
	other.ok("sessions.messages.subscribe", object{"key": "agent:main:other"})
	sender.ok("chat.send", object{"sessionKey": "agent:main:main", "message": "words", "idempotencyKey": "r"})
	for _, s := range []*socket{sender, all, one} {
		if events := s.chats("r"); events[len(events)-1].State != "final" {
			t.Fatal(events)
		}
	}
	one.find("the answer as it was kept", func(f frame) bool {
		return f.Event == wire.EventSessionMessage && strings.Contains(string(f.Payload), standinSays)
	})
	all.find("the end of the run", func(f frame) bool {
		return f.Event == wire.EventSessionsChanged && strings.Contains(string(f.Payload), `"phase":"end"`)
	})
	// What comes after is in the order of the socket: an answer to a later request
	// says that nothing else has been sent before it.
	for _, s := range []*socket{other, nobody} {
		s.ok("health", nil)
		for _, f := range s.all() {
			if f.Event == wire.EventChat || f.Event == wire.EventAgent || f.Event == wire.EventSessionMessage || f.Event == wire.EventSessionsChanged {
				t.Errorf("%s", f.raw)
			}
		}
	}
}

// A session's own methods.
func TestSessionsAreMadeListedRenamedEmptiedAndDeleted(t *testing.T) {
	h := talking(t, newFolder(t), nil)
	s := h.socket("operator.admin")
	made := s.ok("sessions.create", object{"agentId": "main", "label": "plans", "parentSessionKey": "agent:main:main", "succeedsParent": true})
	key := made["key"].(string)
	if !strings.HasPrefix(key, "agent:main:") {
		t.Fatal(made)
	}
	if refused := s.call("sessions.create", object{"agentId": "main", "worktree": true}); refused.OK || !strings.Contains(refused.Error.Message, "worktree") {
		t.Fatalf("%s", refused.raw)
	}
	if ack := s.ok("sessions.send", object{"key": key, "message": "words"}); ack["messageSeq"] != 1.0 {
		t.Fatal(ack)
	} else {
		s.chats(ack["runId"].(string))
	}
	if found := s.ok("sessions.resolve", object{"label": "plans"}); found["key"] != key {
		t.Fatal(found)
	}
	s.ok("sessions.patch", object{"key": key, "label": "other plans"})
	if refused := s.call("sessions.patch", object{"key": key, "model": "another"}); refused.OK || !strings.Contains(refused.Error.Hint(), "agents.main") {
		t.Fatalf("%s", refused.raw)
	}
	list := s.ok("sessions.list", object{"agentId": "main", "includeLastMessage": true})
	row := list["sessions"].([]any)[0].(object)
	if list["totalCount"] != 1.0 || row["label"] != "other plans" || row["lastMessagePreview"] != standinSays || list["defaults"].(object)["model"] != "claude-stand-in" {
		t.Fatal(list)
	}
	preview := s.ok("sessions.preview", object{"keys": []string{key, "agent:main:none"}})["previews"].([]any)
	if preview[0].(object)["status"] != "ok" || preview[1].(object)["status"] != "missing" {
		t.Fatal(preview)
	}
	reset := s.ok("sessions.reset", object{"key": key})
	if reset["sessionId"] == made["sessionId"] {
		t.Fatal(reset)
	}
	if left := s.ok("chat.history", object{"sessionKey": key}); left["totalMessages"] != 0.0 {
		t.Fatal(left)
	}
	if deleted := s.ok("sessions.delete", object{"key": key}); deleted["deleted"] != true {
		t.Fatal(deleted)
	}
	if gone := s.ok("sessions.describe", object{"key": key}); gone["session"] != nil {
		t.Fatal(gone)
	}
	if len(h.audited("session_delete")) != 1 || len(h.audited("session_reset")) != 1 {
		t.Fatal("what takes messages away is not in the audit log")
	}
	for _, bad := range []string{"", "agent:main", "agent::x", "agent:main:\x07", strings.Repeat("k", 513)} {
		if answer := s.call("chat.history", object{"sessionKey": bad}); answer.OK || answer.Error.Code != wire.CodeInvalidRequest {
			t.Errorf("%q: %s", bad, answer.raw)
		}
	}
}

// A gateway that nobody chats with has no database.
func TestNoChatNoDatabase(t *testing.T) {
	h := talking(t, newFolder(t), nil)
	s := h.socket("operator.admin")
	for _, method := range []string{"status", "sessions.list", "sessions.subscribe", "health"} {
		s.ok(method, object{})
	}
	s.ok("chat.history", object{"sessionKey": "agent:main:main"})
	s.ok("sessions.describe", object{"key": "agent:main:main"})
	if entries, err := filepath.Glob(h.layout.Conversations() + "*"); err != nil || len(entries) != 0 {
		t.Fatal(entries, err)
	}
}

// A gateway that stops in the middle of an answer keeps what was said, and does
// not wait for the rest.
func TestStopInTheMiddleOfAnAnswer(t *testing.T) {
	layout := newFolder(t)
	h := talking(t, layout, nil)
	s := h.socket("operator.write")
	h.standin.SetMode(standin.Endless)
	s.ok("chat.send", object{"sessionKey": "agent:main:main", "message": "talk", "idempotencyKey": "r"})
	s.find("a delta", func(f frame) bool { return strings.Contains(string(f.Payload), `"state":"delta"`) })
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	h = talking(t, layout, nil)
	messages := h.socket("operator.read").ok("sessions.get", object{"key": "agent:main:main"})["messages"].([]any)
	if len(messages) != 2 || messages[1].(object)["errorMessage"] != "the gateway stopped" {
		t.Fatal(messages)
	}
}

// A database that cannot be read is told as that, and the gateway goes on.
func TestDamagedDatabaseIsToldAndLeft(t *testing.T) {
	layout := newFolder(t)
	if err := layout.Make(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(layout.Conversations(), []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	h := talking(t, layout, nil)
	s := h.socket("operator.write")
	for _, method := range []string{"chat.send", "chat.history"} {
		answer := s.call(method, object{"sessionKey": "main", "message": "x", "idempotencyKey": "r"})
		if answer.OK || answer.Error.Code != wire.CodeUnavailable || !strings.Contains(answer.Error.Message, "conversations.db is damaged") || !strings.Contains(answer.Error.Hint(), "backup") {
			t.Fatalf("%s", answer.raw)
		}
	}
	s.ok("health", nil)
}

// Deltas of a fast stream are put together: a listener is not flooded.
func TestFastStreamIsFewEvents(t *testing.T) {
	h := talking(t, newFolder(t), func(o *provider.Options) {
		o.Started, o.Finished = nil, nil
	})
	s := h.socket("operator.write")
	h.standin.SetMode(standin.Endless)
	begun := time.Now()
	s.ok("chat.send", object{"sessionKey": "main", "message": "talk", "idempotencyKey": "r"})
	s.find("a long text", func(f frame) bool { return len(f.raw) > 2000 && f.Event == wire.EventChat })
	s.ok("chat.abort", object{"sessionKey": "main"})
	events := s.chats("r")
	if most := int(time.Since(begun)/(50*time.Millisecond)) + 6; len(events) > most {
		t.Fatalf("%d events, where %d are the most", len(events), most)
	}
}
