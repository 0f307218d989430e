package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"openclaw/configs"
	"openclaw/gateway/limit"
	"openclaw/gateway/provider"
	"openclaw/gateway/provider/standin"
	"openclaw/gateway/wire"
	"openclaw/keychain"
)

// providerKey is the key of the stand-in; it may be nowhere else.
const providerKey = "sk-ant-api03-canary-of-the-chat-tests-0123456789"

// chatHouse is a gateway whose agents talk to a stand-in of a provider, through
// the real pass-through.
type chatHouse struct {
	*house
	standin *standin.Provider
}

// talking builds a house for chats on a state folder, which may be one that a
// house before it left.
func talking(t *testing.T, layout configs.Layout, change func(*provider.Options)) *chatHouse {
	t.Helper()
	return talkingWith(t, layout, change, func(*Deps) {})
}

func talkingWith(t *testing.T, layout configs.Layout, change func(*provider.Options), more func(*Deps)) *chatHouse {
	t.Helper()
	upstream := standin.New()
	server := httptest.NewServer(upstream)
	t.Cleanup(server.Close)
	var h *house
	kind := func(name string) string {
		if name == "claude" {
			return "anthropic"
		}
		return "openai"
	}
	options := provider.Options{
		Secret: func(context.Context, string) (keychain.Secret, error) {
			return keychain.NewSecret([]byte(providerKey)), nil
		},
		Providers: func() map[string]provider.Target {
			out := map[string]provider.Target{}
			for name := range h.store.Current().Config.Providers {
				out[name] = provider.Target{Kind: kind(name), BaseURL: server.URL}
			}
			return out
		},
		Started: func(r provider.Record) { h.CallStarted(callOf(r)) }, Finished: func(r provider.Record) { h.CallFinished(callOf(r)) },
		IdleTimeout: 10 * time.Second,
	}
	if change != nil {
		change(&options)
	}
	pass := provider.New(options)
	t.Cleanup(pass.Close)
	h = build(t, layout, freePort(t), "", func(d *Deps) {
		d.Provider = pass
		d.WithCaller = func(ctx context.Context, agent, run string) context.Context {
			return provider.WithCaller(ctx, provider.Caller{Agent: agent, Run: run, Client: ClientOf(ctx)})
		}
		d.ProviderKind = kind
		more(d)
	})
	h.writeConfig("", fmt.Sprintf(`
agents:
  main: {provider: claude, model: claude-stand-in}
  coder: {provider: gpt, model: gpt-stand-in}
  mute: {command: ["true"]}
providers:
  claude: {base_url: %[1]s, kind: anthropic, api_key: "${NO_KEY_HERE:-x}"}
  gpt: {base_url: %[1]s, kind: openai, api_key: "${NO_KEY_HERE:-x}"}
`, server.URL))
	return &chatHouse{house: h.run(), standin: upstream}
}

func callOf(r provider.Record) Call {
	return Call{
		ID: r.ID, Provider: r.Provider, Agent: r.Agent, Run: r.Run, Client: r.Client, From: r.From, Method: r.Method, Path: r.Path, Status: r.Status,
		BytesIn: r.BytesIn, BytesOut: r.BytesOut, Started: r.Started, FirstByte: r.FirstByte, Duration: r.Duration, Error: r.Error,
	}
}

func newFolder(t *testing.T) configs.Layout {
	t.Helper()
	return configs.Layout{Root: filepath.Join(shortDir(t), "s")}
}

// socket is a client of protocol 4 that keeps every frame.
type socket struct {
	t  *testing.T
	ws *websocket.Conn

	mu     sync.Mutex // guards the fields below
	next   int
	frames []frame
	more   chan struct{} // closed and made anew with each frame
	closed error
}

type frame struct {
	raw      []byte
	Type     string          `json:"type"`
	ID       string          `json:"id"`
	OK       bool            `json:"ok"`
	Payload  json.RawMessage `json:"payload"`
	Error    *wire.Error     `json:"error"`
	Event    string          `json:"event"`
	Sequence uint64          `json:"seq"`
}

// wait bounds what a test waits for.
const waitLong = 30 * time.Second

func (h *chatHouse) socket(scopes ...string) *socket {
	h.t.Helper()
	ws, response, err := websocket.DefaultDialer.DialContext(h.t.Context(), h.url()+"/", nil)
	if err != nil {
		h.t.Fatal(err)
	}
	response.Body.Close()
	s := &socket{t: h.t, ws: ws, more: make(chan struct{})}
	gone := make(chan struct{})
	h.t.Cleanup(func() { _ = ws.Close(); <-gone })
	go func() {
		defer close(gone)
		for {
			_, raw, err := ws.ReadMessage()
			f := frame{raw: raw}
			if err == nil {
				err = json.Unmarshal(raw, &f)
			}
			s.mu.Lock()
			if err != nil {
				s.closed = err
			} else {
				s.frames = append(s.frames, f)
			}
			close(s.more)
			s.more = make(chan struct{})
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	s.find("the challenge", func(f frame) bool { return f.Event == wire.EventChallenge })
	hello := s.call("connect", object{
		"minProtocol": 4, "maxProtocol": 4, "client": object{"id": "test", "version": "1", "platform": "linux", "mode": "test"},
		"role": "operator", "scopes": scopes, "auth": object{"token": h.token},
	})
	if !hello.OK {
		h.t.Fatalf("%s", hello.raw)
	}
	return s
}

// find waits for a frame; those that come later are looked at too.
func (s *socket) find(what string, match func(frame) bool) frame {
	s.t.Helper()
	return s.findFrom(0, what, match)
}

func (s *socket) findFrom(from int, what string, match func(frame) bool) frame {
	s.t.Helper()
	limit := time.After(waitLong)
	for at := from; ; {
		s.mu.Lock()
		frames, more, closed := s.frames, s.more, s.closed
		s.mu.Unlock()
		for ; at < len(frames); at++ {
			if match(frames[at]) {
				return frames[at]
			}
		}
		if closed != nil {
			s.t.Fatalf("never: %s: %v", what, closed)
		}
		select {
		case <-more:
		case <-limit:
			s.t.Fatalf("never: %s; the last of %d frames: %s", what, len(frames), frames[len(frames)-1].raw)
		}
	}
}

// all are the frames so far.
func (s *socket) all() []frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.frames)
}

// send sends a request and gives its id.
func (s *socket) send(method string, params any) string {
	s.t.Helper()
	s.mu.Lock()
	s.next++
	id := fmt.Sprintf("%d:%s", s.next, method)
	s.mu.Unlock()
	if err := s.ws.WriteJSON(object{"type": "req", "id": id, "method": method, "params": params}); err != nil {
		s.t.Fatal(err)
	}
	return id
}

func (s *socket) call(method string, params any) frame {
	s.t.Helper()
	id := s.send(method, params)
	return s.find("the answer to "+method, func(f frame) bool { return f.Type == "res" && f.ID == id })
}

// ok is a call that succeeds; its payload is decoded.
func (s *socket) ok(method string, params any) (payload object) {
	s.t.Helper()
	answer := s.call(method, params)
	if !answer.OK {
		s.t.Fatalf("%s: %s", method, answer.raw)
	}
	if err := json.Unmarshal(answer.Payload, &payload); err != nil {
		s.t.Fatal(err)
	}
	return payload
}

// chats are the events "chat" of a run, in their order, up to its end.
func (s *socket) chats(run string) (events []wire.ChatEvent) {
	s.t.Helper()
	ended := func(state string) bool { return state == "final" || state == "error" || state == "aborted" }
	s.find("the end of run "+run, func(f frame) bool {
		var e wire.ChatEvent
		if f.Event != wire.EventChat || json.Unmarshal(f.Payload, &e) != nil || e.RunID != run {
			return false
		}
		events = append(events, e)
		return ended(e.State)
	})
	return events
}

// textOf is the words of a message in the protocol's shape.
func textOf(t *testing.T, m *wire.ChatMessage) string {
	t.Helper()
	if m == nil {
		return ""
	}
	if text, is := m.Content.(string); is {
		return text
	}
	body, err := json.Marshal(m.Content)
	var blocks []struct{ Text string }
	if err := errors.Join(err, json.Unmarshal(body, &blocks)); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, b := range blocks {
		out.WriteString(b.Text)
	}
	return out.String()
}

const standinSays = "Hello from the stand-in."

// sent is the conversation that a request to the provider held.
func sent(t *testing.T, r standin.Request) []string {
	t.Helper()
	var body struct {
		Model    string
		Messages []struct{ Role, Content string }
	}
	if err := json.Unmarshal(r.Body, &body); err != nil {
		t.Fatal(err)
	}
	out := []string{body.Model}
	for _, m := range body.Messages {
		out = append(out, m.Role+": "+m.Content)
	}
	return out
}

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
