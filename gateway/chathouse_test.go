package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"openclaw/configs"
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
