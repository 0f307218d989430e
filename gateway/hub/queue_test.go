package hub

import (
	"context"
	"errors"
	"sync"
	"testing"

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
		<-q.wake
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
