package ref

import (
	"context"
	"sync"
)

// queue lets one at a time ask for the same thing: twenty requests that need one
// key start one program.
type queue struct {
	mu    sync.Mutex // guards turns
	turns map[string]*turn
}

type turn struct {
	waiting int
	free    chan struct{} // holds one token while nobody asks
}

// enter waits for the turn, or until ctx ends.
func (q *queue) enter(ctx context.Context, key string) (leave func(), err error) {
	q.mu.Lock()
	t := q.turns[key]
	if t == nil {
		t = &turn{free: make(chan struct{}, 1)}
		t.free <- struct{}{}
		q.turns[key] = t
	}
	t.waiting++
	q.mu.Unlock()
	forget := func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		if t.waiting--; t.waiting == 0 {
			delete(q.turns, key)
		}
	}
	select {
	case <-t.free:
		return func() { t.free <- struct{}{}; forget() }, nil
	case <-ctx.Done():
		forget()
		return nil, ctx.Err()
	}
}
