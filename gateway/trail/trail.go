package trail

import (
	"container/list"
	"slices"
	"sync"
	"time"

	"openclaw/gateway/event"
)

const (
	maxConnections = 1024 // whose steps are kept; past it the one goes that had none for longest
	maxSteps       = 64   // of one connection; past it they are counted
)

// Trails are the steps of the newest connections. Make them with New.
type Trails struct {
	now func() time.Time

	mu    sync.Mutex // guards the fields below
	byID  map[string]*list.Element
	order *list.List // of *trail, longest without a step first
}

type trail struct {
	id    string
	steps []event.Step
	more  int
}

// New returns no trails yet. A nil now is time.Now.
func New(now func() time.Time) *Trails {
	if now == nil {
		now = time.Now
	}
	return &Trails{now: now, byID: map[string]*list.Element{}, order: list.New()}
}

// Add notes that something happens on a connection now.
func (t *Trails) Add(id, kind, text string) {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	one := t.of(id)
	at := slices.IndexFunc(one.steps, func(s event.Step) bool { return s.Kind == kind && s.Text == text })
	switch {
	case at >= 0:
		one.steps[at].Count++
		one.steps[at].Last = now
	case len(one.steps) == maxSteps:
		one.more++
	default:
		one.steps = append(one.steps, event.Step{Kind: kind, First: now, Last: now, Count: 1, Text: text})
	}
}

// of returns a connection's trail, which is the newest from here on. t.mu is held.
func (t *Trails) of(id string) *trail {
	if element, known := t.byID[id]; known {
		t.order.MoveToBack(element)
		return element.Value.(*trail)
	}
	if t.order.Len() == maxConnections {
		oldest := t.order.Remove(t.order.Front()).(*trail)
		delete(t.byID, oldest.id)
	}
	one := &trail{id: id}
	t.byID[id] = t.order.PushBack(one)
	return one
}

// Of returns the steps of a connection in the order in which they began, and how many
// there was no room for.
func (t *Trails) Of(id string) (steps []event.Step, more int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	element, known := t.byID[id]
	if !known {
		return nil, 0
	}
	one := element.Value.(*trail)
	return slices.Clone(one.steps), one.more
}
