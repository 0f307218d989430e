package registry

import (
	"container/list"
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"openclaw/gateway/event"
)

const (
	maxDenials     = 10_000
	maxClosed      = 1_000
	maxOpen        = 10_000
	maxEndedRuns   = 200
	denialInterval = 100 * time.Millisecond // between two events of one denial
	agentInterval  = time.Second            // between two events of one agent
)

// Options is what a registry is given.
type Options struct {
	// Publish puts an event on the bus; it does not block.
	Publish func(event.Event)
	// Audit writes a denial down, and returns when it is on disk.
	Audit func(context.Context, event.Denial) error
	// Agent completes an agent's event with what the config says of it; false
	// when the config has no such agent.
	Agent func(name string) (event.Agent, bool)
	// Mask takes secrets out of text: what an agent does and says is full of
	// its own words. Nil changes nothing.
	Mask func(string) string
	Now  func() time.Time
}

// Registry is the present. Make one with New.
type Registry struct {
	options Options

	telling sync.Mutex // held while an agent is looked at and shown, so that the last event is of the last state; never taken with mu held

	heldBack chan struct{} // holds one word that something waits for Run
	owing    chan struct{} // holds one word that a record is owed

	mu       sync.Mutex // guards the fields below
	denials  map[denialKey]*list.Element
	order    *list.List // of *denialRow, longest unchanged first
	byID     map[string]*denialRow
	rows     map[string]int // of denials, by agent
	listings map[listing]*rate.Limiter
	dirty    map[*denialRow]struct{}
	owed     []event.Denial  // shown, and on no record yet
	owedAt   map[owedKey]int // into owed
	minutes  [60]minuteCount
	perAgent map[string]int
	open     map[string]*list.Element
	opened   *list.List     // of *event.Connection, oldest first
	closed   *list.List     // of *event.Connection, oldest first
	closedOf map[string]int // how many of them, by agent; "" is no agent's
	runs     map[string]*event.Run
	ended    []event.Run          // oldest first
	agents   map[string]time.Time // agent → last event
	stale    map[string]struct{}  // agents whose event is held back
}

// New returns an empty registry.
func New(options Options) *Registry {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Mask == nil {
		options.Mask = func(text string) string { return text }
	}
	return &Registry{
		options: options, heldBack: make(chan struct{}, 1), owing: make(chan struct{}, 1), owedAt: map[owedKey]int{}, denials: map[denialKey]*list.Element{}, order: list.New(), byID: map[string]*denialRow{}, dirty: map[*denialRow]struct{}{},
		rows: map[string]int{}, listings: map[listing]*rate.Limiter{},
		perAgent: map[string]int{}, open: map[string]*list.Element{}, opened: list.New(), closed: list.New(), closedOf: map[string]int{},
		runs: map[string]*event.Run{}, agents: map[string]time.Time{}, stale: map[string]struct{}{},
	}
}

// Run publishes what was held back, and records what could not be recorded, until ctx
// ends and once more then.
func (r *Registry) Run(ctx context.Context) error {
	var due <-chan time.Time   // nil: nothing is held back
	var again <-chan time.Time // nil: nothing is owed
	for {
		select {
		case <-ctx.Done():
			r.Flush()
			r.recordOwed(context.WithoutCancel(ctx))
			return nil
		case <-r.owing:
			if again == nil {
				again = time.After(owedEvery)
			}
		case <-again:
			if again = nil; r.recordOwed(context.WithoutCancel(ctx)) {
				again = time.After(owedEvery)
			}
		case <-r.heldBack:
			if due == nil {
				due = time.After(denialInterval)
			}
		case <-due:
			if due = nil; r.Flush() {
				due = time.After(denialInterval)
			}
		}
	}
}

// holdBack has Run publish what was put into dirty or stale. r.mu is held.
func (r *Registry) holdBack() {
	select {
	case r.heldBack <- struct{}{}:
	default: // Run has not heard the last one yet
	}
}

// Flush publishes what was held back and is due. more says that something is not yet.
func (r *Registry) Flush() (more bool) {
	now := r.options.Now()
	var rows []event.Denial
	var names []string
	r.mu.Lock()
	for row := range r.dirty {
		if now.Sub(row.shown) >= denialInterval {
			delete(r.dirty, row)
			row.shown = now
			rows = append(rows, row.Denial)
		}
	}
	for name := range r.stale {
		if now.Sub(r.agents[name]) >= agentInterval {
			names = append(names, name)
		}
	}
	r.mu.Unlock()
	for i := range rows {
		r.options.Publish(event.Event{Kind: event.KindDenial, Denial: &rows[i]})
	}
	for _, name := range names {
		r.touchAgent(name)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.dirty) > 0 || len(r.stale) > 0
}

// touchAgent publishes an agent's event now, or lets Run do it when the last
// one is too young.
func (r *Registry) touchAgent(name string) {
	if name == "" || !r.due(name) {
		return
	}
	r.telling.Lock()
	defer r.telling.Unlock()
	if r.due(name) { // not by another call meanwhile
		r.publishAgent(name)
	}
}

// due reports whether an agent's event may be published now; otherwise Run does it.
func (r *Registry) due(name string) bool {
	now := r.options.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.agents[name]) < agentInterval {
		r.stale[name] = struct{}{}
		r.holdBack()
		return false
	}
	return true
}

// publishAgent notes first that the event is out: what changes while the agent is
// looked at has another one. r.telling is held.
func (r *Registry) publishAgent(name string) {
	now := r.options.Now()
	r.mu.Lock()
	delete(r.stale, name)
	r.agents[name] = now
	r.mu.Unlock()
	agent, known := r.options.Agent(name)
	if known {
		r.options.Publish(event.Event{Kind: event.KindAgent, Agent: &agent})
		return
	}
	r.mu.Lock()
	delete(r.agents, name)
	r.mu.Unlock()
}
