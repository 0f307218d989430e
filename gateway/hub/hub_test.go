package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"openclaw/gateway/auth"
	"openclaw/gateway/wire"
)

const rightToken = "right-token"

// house is a hub behind a real listener.
type house struct {
	*Hub
	url  string
	stop func()

	mu      sync.Mutex
	opened  []*Conn
	closed  []string
	refused []string
}

func (h *house) refusals() []string { h.mu.Lock(); defer h.mu.Unlock(); return slices.Clone(h.refused) }
func (h *house) closings() []string { h.mu.Lock(); defer h.mu.Unlock(); return slices.Clone(h.closed) }

func open(t *testing.T, limits Limits, methods ...Method) *house {
	t.Helper()
	table, err := NewTable(append([]Method{
		{Name: "health", Quick: true, Handle: func(context.Context, *Call) (any, error) { return map[string]bool{"ok": true}, nil }},
		{Name: "admin.only", Scope: auth.ScopeAdmin, Handle: func(context.Context, *Call) (any, error) { return nil, nil }},
		{Name: "local.only", Local: true, Handle: func(context.Context, *Call) (any, error) { return nil, nil }},
	}, methods...)...)
	if err != nil {
		t.Fatal(err)
	}
	if limits.Step == 0 { // no tick comes between an answer and the next, however long a test takes
		limits.Step = time.Hour
	}
	h := &house{}
	h.Hub = New(Options{
		Table: table, Version: "test", BootID: "boot", Events: []string{"tick"}, Limits: limits,
		Admit: func(_ context.Context, _ Peer, connect wire.Connect, _ wire.Challenge) (Admission, *Refusal) {
			if connect.Auth.Shared() != rightToken {
				return Admission{}, &Refusal{Error: wire.Invalid("unauthorized"), Code: wire.ClosePolicy}
			}
			return Admission{Scopes: auth.Grant(connect.Scopes, auth.Scopes{auth.ScopeAdmin}), Role: "operator", Method: "token"}, nil
		},
		Snapshot: func(*Conn) wire.Snapshot { return wire.Snapshot{} },
		Opened:   func(c *Conn) { h.mu.Lock(); h.opened = append(h.opened, c); h.mu.Unlock() },
		Closed:   func(_ *Conn, reason string) { h.mu.Lock(); h.closed = append(h.closed, reason); h.mu.Unlock() },
		Refused: func(_ string, _ Peer, _ wire.ClientInfo, why string) {
			h.mu.Lock()
			h.refused = append(h.refused, why)
			h.mu.Unlock()
		},
	})
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		h.Serve(ws, Peer{Kind: KindTCP, From: r.RemoteAddr})
	}))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = h.Run(ctx) }()
	var once sync.Once
	h.stop = func() { once.Do(func() { cancel(); <-ended; server.Close() }) }
	t.Cleanup(h.stop)
	h.url = "ws" + strings.TrimPrefix(server.URL, "http")
	return h
}

func dial(t *testing.T, h *house) *websocket.Conn {
	t.Helper()
	ws, response, err := websocket.DefaultDialer.Dial(h.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	t.Cleanup(func() { ws.NetConn().Close() })
	_ = ws.SetReadDeadline(time.Now().Add(time.Minute))
	return ws
}

func read(t *testing.T, ws *websocket.Conn) wire.Frame {
	t.Helper()
	_, data, err := ws.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	frame, err := wire.DecodeFrame(data)
	if err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	return frame
}

func connect(t *testing.T, h *house) *websocket.Conn {
	t.Helper()
	ws := dial(t, h)
	if frame := read(t, ws); frame.Event == nil || frame.Event.Event != wire.EventChallenge || frame.Event.Seq != 0 {
		t.Fatalf("the server's first word is %+v", frame)
	}
	send(t, ws, connectFrame(rightToken, "operator.read"))
	if frame := read(t, ws); !frame.Response.OK {
		t.Fatalf("%+v", frame.Response.Error)
	}
	return ws
}

func connectFrame(token string, scopes ...string) string {
	list, _ := json.Marshal(scopes)
	return fmt.Sprintf(`{"type":"req","id":"1:a","method":"connect","params":{"minProtocol":4,"maxProtocol":4,"client":{"id":"cli","version":"2026.9.6","platform":"linux","mode":"cli"},"caps":[],"auth":{"token":%q},"role":"operator","scopes":%s,"futureField":{"x":1}}}`, token, list)
}

func send(t *testing.T, ws *websocket.Conn, frame string) {
	t.Helper()
	if err := ws.WriteMessage(websocket.TextMessage, []byte(frame)); err != nil {
		t.Fatal(err)
	}
}

// closeOf reads until the close frame.
func closeOf(t *testing.T, ws *websocket.Conn) *websocket.CloseError {
	t.Helper()
	for {
		_, _, err := ws.ReadMessage()
		if closed, is := errors.AsType[*websocket.CloseError](err); is {
			return closed
		}
		if err != nil {
			t.Fatalf("ended without a close frame: %v", err)
		}
	}
}

func TestHelloIsCompleteAndGrantsNoMoreThanAsked(t *testing.T) {
	h := open(t, Limits{})
	ws := dial(t, h)
	read(t, ws)
	send(t, ws, connectFrame(rightToken, "operator.read"))
	var hello map[string]any
	if err := json.Unmarshal(read(t, ws).Response.Payload, &hello); err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(hello)
	for _, path := range []string{"type", "protocol", "server.version", "server.connId", "features.methods", "features.events", "snapshot.presence", "snapshot.health",
		"snapshot.stateVersion.presence", "snapshot.stateVersion.health", "snapshot.uptimeMs", "auth.role", "auth.scopes", "policy.maxPayload", "policy.maxBufferedBytes", "policy.tickIntervalMs"} {
		var at any = hello
		for key := range strings.SplitSeq(path, ".") {
			object, _ := at.(map[string]any)
			if at = object[key]; at == nil {
				t.Fatalf("hello lacks %s: %s", path, text)
			}
		}
	}
	if len(text) > 1500 {
		t.Errorf("the hello has %d bytes", len(text))
	}
	send(t, ws, `{"type":"req","id":"2","method":"admin.only"}`)
	if e := read(t, ws).Response.Error; e == nil || e.Code != wire.CodeForbidden || e.Details["missingScope"] != "operator.admin" {
		t.Fatalf("%+v", e)
	}
	send(t, ws, `{"type":"req","id":"3","method":"local.only"}`)
	if e := read(t, ws).Response.Error; e == nil || e.Code != wire.CodeForbidden {
		t.Fatalf("%+v", e)
	}
	send(t, ws, `{"type":"req","id":"4","method":"no.such"}`)
	if e := read(t, ws).Response.Error; e == nil || e.Code != wire.CodeInvalidRequest || e.Message != "unknown method: no.such" {
		t.Fatalf("%+v", e)
	}
}

func TestHandshakeRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		kind  int
		frame string
		code  int
		error string
	}{
		"not json":               {websocket.TextMessage, "hello", 1008, ""},
		"array":                  {websocket.TextMessage, "[]", 1008, ""},
		"binary":                 {websocket.BinaryMessage, connectFrame(rightToken), 1003, ""},
		"not utf-8":              {websocket.TextMessage, "{\"type\":\"\xff\"}", 1007, ""},
		"first frame is another": {websocket.TextMessage, `{"type":"req","id":"1","method":"health"}`, 1008, ""},
		"65 KiB":                 {websocket.TextMessage, connectFrame(strings.Repeat("x", 65<<10)), 1009, ""},
		"10 MiB":                 {websocket.TextMessage, strings.Repeat("x", 10<<20), 1009, ""},
		"wrong token":            {websocket.TextMessage, connectFrame("wrong"), 1008, wire.CodeInvalidRequest},
		"empty token":            {websocket.TextMessage, connectFrame(""), 1008, wire.CodeInvalidRequest},
		"protocol 3":             {websocket.TextMessage, strings.ReplaceAll(connectFrame(rightToken), `Protocol":4`, `Protocol":3`), 1002, wire.CodeInvalidRequest},
		"params of wrong type":   {websocket.TextMessage, `{"type":"req","id":"1","method":"connect","params":[]}`, 1008, wire.CodeInvalidRequest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, Limits{})
			ws := dial(t, h)
			read(t, ws)
			if err := ws.WriteMessage(test.kind, []byte(test.frame)); err != nil && test.code != 1009 {
				t.Fatal(err)
			}
			if test.error != "" {
				if e := read(t, ws).Response.Error; e == nil || e.Code != test.error {
					t.Fatalf("%+v", e)
				}
			}
			_, _, err := ws.ReadMessage()
			var closed *websocket.CloseError
			if !errors.As(err, &closed) {
				if len(test.frame) > 1<<20 {
					return // the connection was reset before all of it was sent
				}
				t.Fatalf("no close frame: %v", err)
			}
			if closed.Code != test.code {
				t.Fatalf("close %d %q, want %d", closed.Code, closed.Text, test.code)
			}
			if len(h.refusals()) == 0 {
				h.stop()
			}
			if len(h.refusals()) != 1 || h.Count() != 0 {
				t.Fatalf("%v, %d connections", h.refusals(), h.Count())
			}
		})
	}
}

func TestSilentSocketIsClosedAndPingsDoNotKeepIt(t *testing.T) {
	h := open(t, Limits{Handshake: 300 * time.Millisecond})
	ws := dial(t, h)
	read(t, ws)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second)) == nil {
			time.Sleep(20 * time.Millisecond)
		}
	}()
	if closed := closeOf(t, ws); closed.Code != 1000 {
		t.Fatal(closed)
	}
	ws.NetConn().Close()
	<-done
}

func TestBadFramesAfterTheHandshake(t *testing.T) {
	for name, test := range map[string]struct {
		kind  int
		frame string
		code  int
	}{
		"not json":  {websocket.TextMessage, "{", 1002},
		"binary":    {websocket.BinaryMessage, "x", 1003},
		"not utf-8": {websocket.TextMessage, "{\"id\":\"\xc3\x28\"}", 1007},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, Limits{})
			ws := connect(t, h)
			if err := ws.WriteMessage(test.kind, []byte(test.frame)); err != nil {
				t.Fatal(err)
			}
			if closed := closeOf(t, ws); closed.Code != test.code {
				t.Fatal(closed)
			}
		})
	}
	h := open(t, Limits{})
	ws := connect(t, h)
	send(t, ws, `{"type":"res","id":"7","method":"health"}`)
	if r := read(t, ws).Response; r.ID != "7" || r.OK {
		t.Fatalf("%+v", r)
	}
	send(t, ws, connectFrame(rightToken))
	if r := read(t, ws).Response; r.OK {
		t.Fatal("a second connect was accepted")
	}
}

func TestEventsAreNumberedForEachConnection(t *testing.T) {
	h := open(t, Limits{Step: 2 * time.Millisecond})
	first, second := connect(t, h), connect(t, h)
	for _, ws := range []*websocket.Conn{first, second} {
		for want := uint64(1); want <= 3; want++ {
			if e := read(t, ws).Event; e.Event != "tick" || e.Seq != want {
				t.Fatalf("%+v, want tick %d", e, want)
			}
		}
	}
}

func TestStopTellsClientsAndLeavesNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	h := open(t, Limits{Write: time.Second}, Method{Name: "hang", Handle: func(ctx context.Context, _ *Call) (any, error) { <-ctx.Done(); return nil, ctx.Err() }})
	polite := connect(t, h)
	send(t, polite, `{"type":"req","id":"h","method":"hang"}`)
	rude := connect(t, h) // never reads again
	waiting := dial(t, h)
	go h.stop()
	frame := read(t, polite)
	if frame.Event == nil || frame.Event.Event != wire.EventShutdown {
		t.Fatalf("%+v", frame)
	}
	if closed := closeOf(t, polite); closed.Code != 1012 {
		t.Fatal(closed)
	}
	h.stop()
	polite.NetConn().Close()
	rude.NetConn().Close()
	waiting.NetConn().Close()
	for range 2000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	buffer := make([]byte, 1<<16)
	t.Fatalf("goroutines are left:\n%s", buffer[:runtime.Stack(buffer, true)])
}

func TestTableRefusesDoubles(t *testing.T) {
	nothing := func(context.Context, *Call) (any, error) { return nil, nil }
	if _, err := NewTable(Method{Name: "a", Handle: nothing}, Method{Name: "a", Handle: nothing}); err == nil {
		t.Fatal("a double name was accepted")
	}
	if _, err := NewTable(Method{Name: "a"}); err == nil {
		t.Fatal("a method without a handler was accepted")
	}
}

// Frames of the binary kind go out in their order with the others, and leave no gap in
// the numbers of events.
func TestBinaryFramesAreNotNumbered(t *testing.T) {
	h := open(t, Limits{})
	ws := connect(t, h)
	conn := h.Conns()[0]
	if err := errors.Join(conn.Push("one", 1), conn.PushBinary(t.Context(), []byte{1, 2, 3}), conn.Push("two", 2)); err != nil {
		t.Fatal(err)
	}
	first := read(t, ws)
	kind, frame, err := ws.ReadMessage()
	if err != nil || kind != websocket.BinaryMessage || string(frame) != "\x01\x02\x03" {
		t.Fatalf("%d %q %v", kind, frame, err)
	}
	if second := read(t, ws); first.Event.Event != "one" || second.Event.Event != "two" || second.Event.Seq != first.Event.Seq+1 {
		t.Errorf("%+v, then %+v", first.Event, second.Event)
	}
}
