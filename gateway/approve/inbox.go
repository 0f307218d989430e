package approve

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"slices"
	"sync"
	"time"

	"openclaw/gateway/event"
	"openclaw/sandbox/policy"
)

// Bounds of the inbox.
const (
	maxHeld    = 1000 // asks that wait, of all agents
	maxHeldOne = 200  // of one: it asks 20 times a minute, for as long as an hour each
	maxEnded   = 1000 // rows that are remembered when they are over
	maxGrants  = 1000 // of one run
	maxMinute  = 20   // new rows of one agent in a minute
	minute     = time.Minute
	undoWindow = 30 * time.Second

	defaultTimeout = 60 * time.Second // ask_timeout of the config
)

// Options is what an inbox works with. Audit and Publish must be set.
type Options struct {
	// Audit returns when the record is on disk. It is called without a lock.
	Audit func(context.Context, Record) error
	// Publish puts an event on the bus; it does not block and calls nothing here.
	Publish func(event.Event)
	// Rules writes what "always" means; nil refuses "always".
	Rules Rules
	// Lives reports whether a run still goes on; nil: it does.
	Lives func(run string) bool
	// Judge is what the policy of a request's run says of it now; nil: that it asks.
	Judge func(*Request) policy.Decision
	// Past is what was refused by a rule, by its id among the asks; nil: nothing is.
	Past func(id string) (Denial, bool)
	// Mask takes secrets out of an agent's words before they are shown; nil
	// shows them as they are.
	Mask func(string) string
	// Failed hears of what nobody else can be told; nil: nobody does.
	Failed func(error)
	Now    func() time.Time // nil: time.Now
}

// Record is one entry of the audit log.
type Record struct {
	Action  string // "allow", "deny", "undo", "miss"
	ID      string
	Request Request
	Scope   Scope
	Match   Match
	Note    string
	By      string
	From    string
	Held    int // alike asks that wait for it
}

// Inbox holds asks. Make it with New; its methods are safe for concurrent use.
type Inbox struct {
	o    Options
	wake chan struct{} // one slot: a deadline is new

	telling sync.Mutex // held over Publish, so that events come in order; never taken with mu held

	mu      sync.Mutex // guards the fields below, and every row and Held
	outbox  []event.Event
	waiting map[key]*row
	byID    map[string]*row
	ended   []*row             // oldest first
	held    map[string]int     // asks that wait, by agent
	grants  map[string][]grant // by run
	minutes map[string]*window // by agent
	writing map[string]int     // answers for ever that are being written and heeded, by agent
}

// row is alike asks.
type row struct {
	ask      event.Ask
	request  Request // of the newest
	held     []*Held
	deciding bool
	written  *Written
}

// New returns an empty inbox.
func New(o Options) *Inbox {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Lives == nil {
		o.Lives = func(string) bool { return true }
	}
	if o.Judge == nil {
		o.Judge = func(*Request) policy.Decision { return policy.Decision{Effect: policy.Ask} }
	}
	if o.Past == nil {
		o.Past = func(string) (Denial, bool) { return Denial{}, false }
	}
	if o.Mask == nil {
		o.Mask = func(text string) string { return text }
	}
	if o.Failed == nil {
		o.Failed = func(error) {}
	}
	return &Inbox{
		o: o, wake: make(chan struct{}, 1), waiting: map[key]*row{}, byID: map[string]*row{},
		held: map[string]int{}, grants: map[string][]grant{}, minutes: map[string]*window{},
		writing: map[string]int{},
	}
}

// Held is one ask that waits.
type Held struct {
	ID string // of its row; empty when it was answered at once

	inbox    *Inbox
	row      *row // nil when it does not wait; guarded by inbox.mu
	request  Request
	seen     int          // requests that it stands for, of one cage; guarded by inbox.mu
	counted  int          // those of them when the answer was given; guarded by inbox.mu
	waiting  int          // those of them that wait still; guarded by inbox.mu
	deadline time.Time    // moves while its clock is paused
	last     time.Time    // no pause moves it past this
	verdict  chan Verdict // one slot
}

// Ask holds a request until its verdict. The end of ctx is a denial.
func (i *Inbox) Ask(ctx context.Context, r Request) Verdict { return i.Submit(r).Wait(ctx) }

// Submit takes a request in and returns at once. The caller must call
// Wait, unless it is Answered.
func (i *Inbox) Submit(r Request) *Held {
	if r.Timeout <= 0 {
		r.Timeout = defaultTimeout
	}
	now := i.o.Now()
	h := &Held{inbox: i, request: r, seen: 1, waiting: 1, deadline: now.Add(r.Timeout), last: now.Add(policy.AskCap(r.Timeout)), verdict: make(chan Verdict, 1)}
	i.mu.Lock()
	id, granted := i.granted(&r)
	same := i.waiting[keyOf(&r)]
	switch {
	case granted:
		h.verdict <- Verdict{ID: id, Allow: true}
	case i.held[r.Agent] >= maxHeldOne || i.holds() >= maxHeld:
		h.verdict <- Verdict{Reason: ReasonTooMany}
	case same != nil && !same.deciding: // else the answer was given before this was asked
		i.join(same, h, now)
	case !i.mayAsk(&r, now):
		h.verdict <- Verdict{Reason: ReasonLimited}
	default:
		fresh := &row{ask: i.show(&r, now)}
		fresh.ask.ID = i.newID()
		i.byID[fresh.ask.ID], i.waiting[keyOf(&r)] = fresh, fresh
		i.join(fresh, h, now)
	}
	i.mu.Unlock()
	i.tell()
	return h
}

// holds is how many asks wait, of all agents. i.mu is held.
func (i *Inbox) holds() (n int) {
	for _, held := range i.held {
		n += held
	}
	return n
}

// join adds a held ask to its row. i.mu is held.
func (i *Inbox) join(r *row, h *Held, now time.Time) {
	h.row, h.ID = r, r.ask.ID
	i.stand(r, &h.request)
	r.held = append(r.held, h)
	i.held[h.request.Agent]++
	r.ask.Last, r.ask.Count = now, r.ask.Count+1
	i.changed(r)
	select {
	case i.wake <- struct{}{}:
	default:
	}
}

// stand has a row speak of one of its requests: of the newest that waits. i.mu is held.
func (i *Inbox) stand(r *row, request *Request) {
	if was := &r.request; was.Program != request.Program || was.CommandLine != request.CommandLine { // to mask them takes its time
		r.ask.Program, r.ask.CommandLine = i.o.Mask(request.Program), i.o.Mask(request.CommandLine)
	}
	r.request = *request
	r.ask.Run, r.ask.PID = request.Run, request.PID
}

// Answered returns the verdict if it is there already; Wait is not called then.
func (h *Held) Answered() (Verdict, bool) {
	select {
	case v := <-h.verdict:
		return v, true
	default:
		return Verdict{}, false
	}
}

// Wait returns the verdict. The end of ctx takes the ask back: nobody waits for
// it any more.
func (h *Held) Wait(ctx context.Context) Verdict {
	select {
	case v := <-h.verdict:
		return v
	case <-ctx.Done():
		h.Cancel(false)
		return <-h.verdict
	}
}

// Cancel takes an ask back. late says that its time was over; otherwise what
// asked is gone. It does nothing to one that has its verdict.
func (h *Held) Cancel(late bool) {
	i := h.inbox
	i.mu.Lock()
	if r := h.row; r != nil {
		if late {
			i.end(h, Verdict{ID: h.ID, Reason: ReasonMissed(h.request.Timeout)}, event.AskMissed)
		} else {
			i.end(h, Verdict{ID: h.ID, Reason: ReasonGone}, event.AskGone)
		}
		i.changed(r)
	}
	i.mu.Unlock()
	i.tell()
}

// Alike says how many alike requests of a cage this one stands for: all that there were,
// and those that wait still. It does nothing to one that has its verdict.
func (h *Held) Alike(seen, waiting int) {
	i := h.inbox
	i.mu.Lock()
	if r := h.row; r != nil {
		if more := seen - h.seen; more > 0 {
			h.seen = seen
			r.ask.Last, r.ask.Count = i.o.Now(), r.ask.Count+more
		}
		h.waiting = max(waiting, 1)
		i.changed(r)
	}
	i.mu.Unlock()
	i.tell()
}

// waits is how many requests wait for the answer of a row. i.mu is held.
func (r *row) waits() int {
	n := 0
	for _, h := range r.held {
		n += h.waiting
	}
	return n
}

// end gives a held ask its verdict. The last one of a row ends it with the
// state, unless an answer is being recorded. i.mu is held.
func (i *Inbox) end(h *Held, v Verdict, state string) {
	r := h.row
	h.row = nil
	h.verdict <- v
	if i.held[h.request.Agent]--; i.held[h.request.Agent] == 0 {
		delete(i.held, h.request.Agent)
	}
	r.held = slices.DeleteFunc(r.held, func(other *Held) bool { return other == h })
	switch {
	case r.deciding:
	case len(r.held) == 0:
		r.ask.Reason = v.Reason
		i.finish(r, state)
	default:
		i.stand(r, &r.held[len(r.held)-1].request)
	}
}

// finish moves a row to those that are over. i.mu is held.
func (i *Inbox) finish(r *row, state string) {
	r.ask.State, r.ask.Deadline, r.ask.PausedUntil, r.ask.Waiting = state, time.Time{}, time.Time{}, 0
	if k := keyOf(&r.request); i.waiting[k] == r {
		delete(i.waiting, k)
	}
	i.remember(r)
}

// remember keeps a row that is over, at the cost of the oldest one. i.mu is
// held.
func (i *Inbox) remember(r *row) {
	i.ended = append(i.ended, r)
	if len(i.ended) > maxEnded {
		delete(i.byID, i.ended[0].ask.ID)
		i.ended[0] = nil
		i.ended = i.ended[1:]
	}
}

// EndRun ends what a run waits for and what was granted to it.
func (i *Inbox) EndRun(run string) {
	i.mu.Lock()
	delete(i.grants, run)
	for _, r := range i.sorted() {
		for _, h := range slices.Clone(r.held) {
			if h.request.Run == run {
				i.end(h, Verdict{ID: h.ID, Reason: ReasonGone}, event.AskGone)
				i.changed(r)
			}
		}
	}
	i.mu.Unlock()
	i.tell()
}

// List returns the rows that wait and then those that are over, each oldest
// first. An empty agent is every agent.
func (i *Inbox) List(agent string) []event.Ask {
	out := []event.Ask{}
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, r := range append(i.sorted(), i.ended...) {
		if agent == "" || r.ask.Agent == agent {
			out = append(out, r.ask)
		}
	}
	return out
}

// Waiting returns how many rows wait for an answer.
func (i *Inbox) Waiting() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.waiting)
}

// sorted is the rows that wait, oldest first. i.mu is held.
func (i *Inbox) sorted() []*row {
	rows := make([]*row, 0, len(i.waiting))
	for _, r := range i.waiting {
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b *row) int {
		if c := a.ask.First.Compare(b.ask.First); c != 0 {
			return c
		}
		if a.ask.ID < b.ask.ID {
			return -1
		}
		return 1
	})
	return rows
}

// changed brings a row up to date and queues its event. i.mu is held.
func (i *Inbox) changed(r *row) {
	if r.ask.State == event.AskWaiting {
		r.ask.Waiting, r.ask.Deadline = r.waits(), r.deadline()
	}
	shown := r.ask
	i.outbox = append(i.outbox, event.Event{Kind: event.KindAsk, Ask: &shown})
}

// tell publishes what is queued.
func (i *Inbox) tell() {
	i.telling.Lock()
	defer i.telling.Unlock()
	i.mu.Lock()
	events := i.outbox
	i.outbox = nil
	i.mu.Unlock()
	for _, e := range events {
		i.o.Publish(e)
	}
}

// newID is short enough to type and not a number that another gateway may have
// given out too. i.mu is held.
func (i *Inbox) newID() string {
	for {
		var b [3]byte
		_, _ = rand.Read(b[:]) // it never fails
		id := hex.EncodeToString(b[:])
		if i.byID[id] == nil {
			return id
		}
	}
}
