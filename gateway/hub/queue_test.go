package hub

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"openclaw/gateway/wire"
)

func TestQueueKeepsOrderAndBounds(t *testing.T) {
	q := newQueue(3)
	for i := range 3 {
		if !q.offer(outgoing{body: []byte{byte(i)}}) {
			t.Fatal("no room for", i)
		}
	}
	if q.offer(outgoing{}) {
		t.Fatal("the fourth has room")
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := q.enqueue(t.Context(), over, outgoing{}); !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
	batch := q.take(nil)
	for i, o := range batch {
		if o.body[0] != byte(i) {
			t.Fatal("out of order")
		}
		q.written(o)
	}
	if q.bytes != 0 || len(q.room) != 0 || len(batch) != 3 {
		t.Fatal(q.bytes, len(q.room), len(batch))
	}
	if q.full(wire.MaxBuffered) || !q.full(wire.MaxBuffered+1) {
		t.Fatal("the bound in bytes")
	}
}

func TestQueueLosesNothingUnderManyProducers(t *testing.T) {
	q := newQueue(8)
	const producers, each = 16, 500
	var group sync.WaitGroup
	for range producers {
		group.Go(func() {
			for i := range each {
				if err := q.enqueue(t.Context(), t.Context(), outgoing{body: []byte{byte(i)}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var batch []outgoing
	for got := 0; got < producers*each; {
		if q.empty() {
			runtime.Gosched()
			continue
		}
		batch = q.take(batch)
		for _, o := range batch {
			q.written(o)
		}
		got += len(batch)
	}
	group.Wait()
	if q.bytes != 0 || len(q.room) != 0 {
		t.Fatal(q.bytes, len(q.room))
	}
}

// An idle connection has no writer; whoever queues something when the last one ends
// makes the next one, and nothing is lost between them.
func TestAnIdleConnectionHasNoWriterAndLosesNothing(t *testing.T) {
	h := open(t, Limits{})
	ws := connect(t, h)
	var c *Conn
	for range 1000 {
		h.mu.Lock()
		if len(h.opened) == 1 {
			c = h.opened[0]
		}
		h.mu.Unlock()
		if c != nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if c == nil {
		t.Fatal("nothing was opened")
	}
	const producers, each = 8, 500
	var group sync.WaitGroup
	for range producers {
		group.Go(func() {
			for range each {
				if err := c.PushWait(t.Context(), "x", 1); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range producers * each {
		if frame := read(t, ws); frame.Event == nil || frame.Event.Seq != uint64(i+1) {
			t.Fatalf("%d: %+v", i, frame)
		}
	}
	group.Wait()
	for range 1000 {
		c.mu.Lock()
		writing := c.writing
		c.mu.Unlock()
		if !writing {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("an idle connection keeps its writer")
}
