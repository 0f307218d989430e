package hub

import (
	"context"
	"sync"

	"openclaw/gateway/wire"
)

type outKind uint8

const (
	outFrame  outKind = iota // body is a whole frame
	outEvent                 // body is the payload of the event name
	outBinary                // body is a whole binary frame
	outPing
)

type outgoing struct {
	kind outKind
	name string
	body []byte
	done chan struct{} // closed when it was written; may be nil
}

// queue is what waits to be written to one client: bounded in number and in
// bytes, first in first out. It takes memory for what waits, not for its
// bound: most connections are idle.
type queue struct {
	room chan struct{} // one element for each item: sending takes a place

	mu    sync.Mutex // guards the fields below
	items []outgoing
	bytes int64
}

func newQueue(length int) *queue {
	return &queue{room: make(chan struct{}, length)}
}

// full reports whether more bytes wait than a client may have.
func (q *queue) full(more int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.bytes+int64(more) > wire.MaxBuffered
}

// offer puts o in without waiting; false when there is no room.
func (q *queue) offer(o outgoing) bool {
	select {
	case q.room <- struct{}{}:
		q.put(o)
		return true
	default:
		return false
	}
}

// enqueue puts o in as soon as there is room; it gives up at the end of ctx or
// of over.
func (q *queue) enqueue(ctx, over context.Context, o outgoing) error {
	select {
	case q.room <- struct{}{}:
		q.put(o)
		return nil
	case <-over.Done():
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (q *queue) put(o outgoing) {
	q.mu.Lock()
	q.items = append(q.items, o)
	q.bytes += int64(len(o.body))
	q.mu.Unlock()
}

// empty reports whether nothing waits.
func (q *queue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items) == 0
}

// keepItems is how much of a batch is kept for the next one.
const keepItems = 32

// take returns all that waits; into is a batch that was written and is used
// again. The places are free at once, the bytes when the caller calls written.
func (q *queue) take(into []outgoing) []outgoing {
	if cap(into) > keepItems {
		into = nil
	}
	q.mu.Lock()
	into, q.items = q.items, into[:0]
	q.mu.Unlock()
	for range into {
		<-q.room
	}
	return into
}

func (q *queue) written(o outgoing) {
	q.mu.Lock()
	q.bytes -= int64(len(o.body))
	q.mu.Unlock()
}
