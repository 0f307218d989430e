package hub

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

func TestClientThatNeverReadsBlocksNobodyAndIsClosed(t *testing.T) {
	big := strings.Repeat("x", 64<<10)
	h := open(t, Limits{Write: 200 * time.Millisecond}, Method{Name: "big", Quick: true, Handle: func(context.Context, *Call) (any, error) { return big, nil }})
	slow, good := connect(t, h), connect(t, h)
	flooded := make(chan struct{})
	go func() {
		defer close(flooded)
		for i := range 5000 {
			if slow.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `{"type":"req","id":"%d","method":"big"}`, i)) != nil {
				return
			}
		}
	}()
	for range 200 {
		send(t, good, `{"type":"req","id":"1","method":"health"}`)
		if !read(t, good).Response.OK {
			t.Fatal("the good client is refused")
		}
	}
	for h.Count() != 1 {
		time.Sleep(5 * time.Millisecond)
	}
	<-flooded
	h.stop()
	if reasons := strings.Join(h.closings(), "|"); !strings.Contains(reasons, "slow client") {
		t.Fatal(reasons)
	}
}

func TestPushToAFullQueueClosesThatClientOnly(t *testing.T) {
	h := open(t, Limits{Queue: 4, Write: time.Minute}) // it is the queue that ends it
	connect(t, h)
	conn := h.Conns()[0]
	payload := strings.Repeat("x", 1<<20)
	for {
		if err := conn.Push("x", payload); err != nil {
			if !errors.Is(err, ErrSlow) {
				t.Fatal(err)
			}
			break
		}
	}
	if err := conn.Push("x", 1); !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
}

func TestRequestsUnderWayAreBoundedAndPanicsAreAnswers(t *testing.T) {
	var mu sync.Mutex
	var now, most int
	gate := make(chan struct{})
	h := open(t, Limits{Requests: 3},
		Method{Name: "wait", Handle: func(ctx context.Context, _ *Call) (any, error) {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			select {
			case <-gate:
			case <-ctx.Done():
			}
			mu.Lock()
			now--
			mu.Unlock()
			return nil, nil
		}},
		Method{Name: "panic", Handle: func(context.Context, *Call) (any, error) { panic("secret-of-the-panic") }},
		Method{Name: "fail", Handle: func(context.Context, *Call) (any, error) { return nil, errors.New("secret /path") }},
	)
	ws := connect(t, h)
	for i := range 10 {
		send(t, ws, fmt.Sprintf(`{"type":"req","id":"%d","method":"wait"}`, i))
	}
	close(gate)
	for range 10 {
		read(t, ws)
	}
	if most > 3 {
		t.Fatalf("%d at once", most)
	}
	for _, method := range []string{"panic", "fail"} {
		send(t, ws, `{"type":"req","id":"p","method":"`+method+`"}`)
		if e := read(t, ws).Response.Error; e == nil || strings.Contains(e.Message, "secret") {
			t.Fatalf("%s: %+v", method, e)
		}
	}
}

func TestOldestHandshakeGivesWayToTheNewest(t *testing.T) {
	h := open(t, Limits{Handshakes: 3})
	var idle []*websocket.Conn
	for range 6 {
		ws := dial(t, h)
		read(t, ws)
		idle = append(idle, ws)
	}
	for i, ws := range idle[:3] {
		if _, _, err := ws.ReadMessage(); err == nil {
			t.Fatalf("idle socket %d lives", i)
		}
	}
	connect(t, h)
}
