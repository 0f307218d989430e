package provider

import (
	"context"
	"sync"
)

// underWay holds the calls that can be cut, by the ID of their Record.
type underWay struct {
	mu    sync.Mutex
	calls map[string]context.CancelCauseFunc
}

func (u *underWay) add(id string, cancel context.CancelCauseFunc) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.calls == nil {
		u.calls = map[string]context.CancelCauseFunc{}
	}
	u.calls[id] = cancel
}

func (u *underWay) remove(id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.calls, id)
}

// Cut ends the call whose Record has an ID, and reports whether one was under way. The
// client reads why in the words of its API: a refusal before the answer, an error event
// in the middle of a stream.
func (h *Handler) Cut(id string, why error) bool {
	h.underWay.mu.Lock()
	cancel := h.underWay.calls[id]
	h.underWay.mu.Unlock()
	if cancel == nil {
		return false
	}
	cancel(&lostError{why})
	return true
}
