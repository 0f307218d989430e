package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"openclaw/gateway/event"
	"openclaw/gateway/wire"
	"openclaw/keychain"
)

const hello = `{"type":"res","id":"connect","ok":true,"payload":{"type":"hello-ok","protocol":4,"server":{"version":"x","connId":"1"},"policy":{"tickIntervalMs":%d}}}`

// serve is a server that says what script says, after the challenge.
func serve(t *testing.T, tick int, script func(*websocket.Conn)) string {
	t.Helper()
	var alive sync.WaitGroup
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		alive.Add(1)
		defer alive.Done()
		ws, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer ws.NetConn().Close()
		say(ws, `{"type":"event","event":"connect.challenge","payload":{"nonce":"n","ts":1}}`)
		if tick > 0 {
			if _, _, err := ws.ReadMessage(); err != nil {
				return
			}
			say(ws, fmt.Sprintf(hello, tick))
		}
		script(ws)
	}))
	t.Cleanup(func() { server.CloseClientConnections(); server.Close(); alive.Wait() })
	return "ws" + strings.TrimPrefix(server.URL, "http")
}

func say(ws *websocket.Conn, text string) {
	_ = ws.WriteMessage(websocket.TextMessage, []byte(text)) // a client that is gone hears nothing
}

// drain reads until the client is gone.
func drain(ws *websocket.Conn) {
	for {
		if _, _, err := ws.ReadMessage(); err != nil {
			return
		}
	}
}

func dial(t *testing.T, url string) *Client {
	t.Helper()
	c, err := Dial(t.Context(), Options{URL: url, Name: "cli", Token: keychain.NewSecret([]byte("t"))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestNobodyListens(t *testing.T) {
	_, err := Dial(t.Context(), Options{Socket: filepath.Join(t.TempDir(), "none")})
	failure, is := errors.AsType[*Error](err)
	if !is || failure.Kind != KindUnreachable || failure.Hint == "" || !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if _, err = Dial(t.Context(), Options{URL: "ws://127.0.0.1:1"}); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatal(err)
	}
}

func TestWhatIsNotAGatewayIsSaidSo(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"error":{"type":"permission_error","message":"not this Host"}}`)
	}))
	defer refusing.Close()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://evil.example/", http.StatusFound)
	}))
	defer elsewhere.Close()
	ws := func(s *httptest.Server) string { return "ws" + strings.TrimPrefix(s.URL, "http") }
	for name, test := range map[string]struct{ url, want string }{
		"a web server":   {ws(web), "404"},
		"a refusal":      {ws(refusing), "not this Host"},
		"a redirect":     {ws(elsewhere), "302"},
		"hangs up":       {serve(t, 0, func(ws *websocket.Conn) { _, _, _ = ws.ReadMessage() }), "unexpected EOF"}, // with nothing unread, which would reset it
		"says res first": {serveRaw(t, `{"type":"res","id":"1","ok":true}`), "not a gateway"},
		"empty nonce":    {serveRaw(t, `{"type":"event","event":"connect.challenge","payload":{"nonce":""}}`), "not a gateway"},
		"is not json":    {serveRaw(t, `hello`), "not a JSON"},
		"hello of no type": {serve(t, 0, func(ws *websocket.Conn) {
			say(ws, `{"type":"res","id":"connect","ok":true,"payload":{"policy":{}}}`)
			drain(ws)
		}), "does not have its shape"},
		"hello of no form": {serve(t, 0, func(ws *websocket.Conn) {
			say(ws, `{"type":"res","id":"connect","ok":true,"payload":{"type":"hello-ok","policy":7}}`)
			drain(ws)
		}), "does not have its shape"},
		"answers somebody": {serve(t, 0, func(ws *websocket.Conn) { say(ws, `{"type":"res","id":"other","ok":true}`); drain(ws) }), "not a gateway"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Dial(t.Context(), Options{URL: test.url})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("%v, want %q", err, test.want)
			}
			if _, is := errors.AsType[*Error](err); !is {
				t.Fatalf("%T", err)
			}
		})
	}
}

func serveRaw(t *testing.T, first string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer ws.NetConn().Close()
		say(ws, first)
		drain(ws)
	}))
	t.Cleanup(server.Close)
	return "ws" + strings.TrimPrefix(server.URL, "http")
}

func TestTokenIsNeitherInTheAddressNorInAHeader(t *testing.T) {
	const canary = "ocg_canary"
	var seen, frame string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r.URL.String() + fmt.Sprint(r.Header)
		ws, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer ws.NetConn().Close()
		say(ws, `{"type":"event","event":"connect.challenge","payload":{"nonce":"n","ts":1}}`)
		_, data, _ := ws.ReadMessage()
		frame = string(data)
		say(ws, `{"type":"res","id":"connect","ok":false,"error":{"code":"INVALID_REQUEST","message":"no","details":{"code":"AUTH_TOKEN_MISMATCH"}}}`)
		drain(ws)
	}))
	defer server.Close()
	_, err := Dial(t.Context(), Options{URL: "ws" + strings.TrimPrefix(server.URL, "http"), Token: keychain.NewSecret([]byte(canary)), Name: "cli"})
	refusal, is := errors.AsType[*wire.Error](err)
	if !is || refusal.Message != "no" {
		t.Fatal(err)
	}
	if failure, _ := errors.AsType[*Error](err); failure.Kind != KindRefused || failure.Hint == "" {
		t.Fatal(failure)
	}
	if strings.Contains(seen, canary) || !strings.Contains(frame, canary) || strings.Contains(err.Error(), canary) {
		t.Fatal("the token is not where it belongs")
	}
}

func TestDialEndsWithItsContext(t *testing.T) {
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	for what, url := range map[string]string{"the connect": serve(t, 0, drain), "anything": "ws://" + mute.Addr().String()} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := Dial(ctx, Options{URL: url}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("one that never answers %s: %v", what, err)
		}
	}
}

func TestSilentGatewayIsTakenForDead(t *testing.T) {
	before := runtime.NumGoroutine()
	c := dial(t, serve(t, 20, drain))
	select {
	case <-c.Done():
	case <-time.After(time.Minute):
		t.Fatal("it waits for ever")
	}
	if !strings.Contains(c.Err().Error(), "said nothing") {
		t.Fatal(c.Err())
	}
	if err := c.Call(t.Context(), "health", nil, nil); err == nil {
		t.Fatal("a call on a dead connection succeeds")
	}
	_ = c.Close()
	_ = c.Close()
	for range 4000 {
		if runtime.NumGoroutine() <= before+3 { // the server's own
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("a goroutine is left")
}

func TestAnswersComeBackInAnyOrderAndACallEndsWithItsContext(t *testing.T) {
	c := dial(t, serve(t, 30_000, func(ws *websocket.Conn) {
		var ids []string
		for {
			_, data, err := ws.ReadMessage()
			if err != nil {
				return
			}
			var r wire.Request
			if json.Unmarshal(data, &r) != nil {
				return
			}
			if r.Method == "never" {
				continue
			}
			if ids = append(ids, r.ID); len(ids) < 10 {
				continue
			}
			for _, id := range slices.Backward(ids) {
				say(ws, fmt.Sprintf(`{"type":"res","id":%q,"ok":true,"payload":%q}`, id, id))
			}
			ids = nil
		}
	}))
	ctx, cancel := context.WithCancel(t.Context())
	never := make(chan error, 1)
	go func() { never <- c.Call(ctx, "never", nil, nil) }()
	var group sync.WaitGroup
	var mu sync.Mutex
	seen := map[string]bool{}
	for range 50 {
		group.Go(func() {
			var id string
			if err := c.Call(t.Context(), "echo", nil, &id); err != nil {
				t.Error(err)
			}
			mu.Lock()
			seen[id] = true
			mu.Unlock()
		})
	}
	group.Wait()
	if len(seen) != 50 {
		t.Fatalf("%d different answers to 50 calls", len(seen))
	}
	cancel()
	if err := <-never; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if len(c.pending) != 0 {
		t.Fatal("an abandoned call is kept")
	}
}

func TestUnreadBusEventsAreLeftOutAndOthersBreakTheConnection(t *testing.T) {
	flood := func(name string) *Client {
		return dial(t, serve(t, 30_000, func(ws *websocket.Conn) {
			for i := range eventRoom + 100 {
				say(ws, fmt.Sprintf(`{"type":"event","event":%q,"payload":{"seq":%d},"seq":%d}`, name, i+1, i+1))
			}
			say(ws, `{"type":"event","event":"tick","payload":{"ts":1}}`)
			for {
				_, data, err := ws.ReadMessage()
				if err != nil {
					return
				}
				var r wire.Request
				_ = json.Unmarshal(data, &r)
				say(ws, fmt.Sprintf(`{"type":"res","id":%q,"ok":true}`, r.ID))
			}
		}))
	}
	lossy := flood(wire.EventName)
	if err := lossy.Call(t.Context(), "health", nil, nil); err != nil {
		t.Fatal("a flood of events stops the answers:", err)
	}
	if len(lossy.events) != eventRoom {
		t.Fatal(len(lossy.events))
	}
	strict := flood(wire.EventPolicy)
	<-strict.Done()
	if !strings.Contains(strict.Err().Error(), "faster than they are read") {
		t.Fatal(strict.Err())
	}
}

func TestBackendWatchesUntilItsContextEndsOrTheConnectionBreaks(t *testing.T) {
	url := serve(t, 30_000, func(ws *websocket.Conn) {
		_, data, err := ws.ReadMessage()
		if err != nil {
			return
		}
		var r wire.Request
		_ = json.Unmarshal(data, &r)
		say(ws, fmt.Sprintf(`{"type":"res","id":%q,"ok":true,"payload":{"seq":0}}`, r.ID))
		say(ws, `{"type":"event","event":"openclaw.event","payload":{"seq":1,"kind":"notice","notice":{"level":"info","text":"hi"}},"seq":1}`)
		if r.ID == "1" {
			drain(ws)
		}
	})
	b := NewBackend(dial(t, url), func(ctx context.Context) (*Client, error) { return Dial(ctx, Options{URL: url}) })
	ctx, cancel := context.WithCancel(t.Context())
	events, err := b.Events(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if batch := <-events; len(batch) != 1 || batch[0].Kind != event.KindNotice || batch[0].Notice.Text != "hi" {
		t.Fatalf("%+v", batch)
	}
	cancel()
	for range events {
		t.Fatal("an event from nowhere")
	}
	if err := b.Reconnect(t.Context()); err != nil {
		t.Fatal(err)
	}
	again, err := b.Events(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	<-again
	_ = b.Close()
	for range again {
		t.Fatal("an event from nowhere")
	}
}

// What comes packed is seen as what comes alone is, whatever memory it is read into, and
// a frame that cannot be read costs neither the connection nor what comes after it.
func TestBackendReadsPackedEvents(t *testing.T) {
	const frames = 40
	var packed [frames][]byte
	for i := range packed {
		for j := range 1 + i*50 {
			e := event.Event{Seq: uint64(j), Kind: event.KindLog, Log: &event.LogLine{Message: fmt.Sprint("frame ", i), Raw: strings.Repeat("x", 50)}}
			packed[i], _ = wire.AppendPacked(packed[i], &e)
		}
	}
	url := serve(t, 30_000, func(ws *websocket.Conn) {
		_, data, err := ws.ReadMessage()
		if err != nil {
			return
		}
		var r struct {
			ID     string
			Params wire.SubscribeParams
		}
		if json.Unmarshal(data, &r) != nil || !r.Params.Packed {
			return
		}
		say(ws, fmt.Sprintf(`{"type":"res","id":%q,"ok":true,"payload":{"seq":0}}`, r.ID))
		for _, frame := range packed {
			_ = ws.WriteMessage(websocket.BinaryMessage, []byte("not packed"))
			_ = ws.WriteMessage(websocket.BinaryMessage, frame)
			if _, _, err := ws.ReadMessage(); err != nil { // the client asks for the next
				return
			}
			say(ws, `{"type":"res","id":"0","ok":true}`)
		}
	})
	c := dial(t, url)
	b := NewBackend(c, nil)
	events, err := b.Events(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range packed {
		var kept []event.Event
		select {
		case kept = <-events:
		case <-time.After(20 * time.Second):
			t.Fatalf("frame %d never came: %v", i, c.Err())
		}
		if len(kept) != 1+i*50 {
			t.Fatalf("%d events of frame %d", len(kept), i)
		}
		for j, e := range kept {
			if e.Seq != uint64(j) {
				t.Fatalf("frame %d: event %d in the place of %d", i, e.Seq, j)
			}
		}
		if err := c.write([]byte("{}")); err != nil {
			t.Fatal(err)
		}
		for _, e := range kept {
			if e.Log == nil || e.Log.Message != fmt.Sprint("frame ", i) {
				t.Fatalf("frame %d says %+v", i, e.Log)
			}
		}
	}
}

// A gateway that is killed in the middle of a call says nothing: who made it is told what
// they can look at.
func TestAGatewayThatIsKilledIsToldWithACure(t *testing.T) {
	c := dial(t, serve(t, 1000, func(ws *websocket.Conn) { _, _, _ = ws.ReadMessage() })) // then it hangs up
	failure, is := errors.AsType[*Error](c.Call(t.Context(), "any", nil, nil))
	if !is || failure.Kind != KindBroken || !strings.Contains(failure.Hint, "gateway status") {
		t.Errorf("%+v", failure)
	}
}
