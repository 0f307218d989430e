package event

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Bus carries events to its subscriptions. It is safe for concurrent use.
type Bus struct {
	now  func() time.Time
	mask atomic.Pointer[func(string) string] // see MaskWith

	mu            sync.Mutex // guards the fields below, and every Subscription's
	seq           uint64
	last          time.Time
	dropped       uint64
	subscriptions []*Subscription
}

// NewBus returns a bus that takes the time from now; nil means time.Now.
func NewBus(now func() time.Time) *Bus {
	if now == nil {
		now = time.Now
	}
	return &Bus{now: now}
}

// Publish stamps e with the next Seq and the time and offers it to every
// subscription of its kind. It never blocks. Seq and Time that e brings along
// are overwritten; Time never goes backwards from one event to the next.
func (b *Bus) Publish(e Event) {
	at := b.now() // outside the lock: a test's clock may be anything
	if b.unheard(e.Kind, at) {
		return
	}
	b.clean(&e)
	b.mu.Lock()
	defer b.mu.Unlock()
	e.Seq, e.Time = b.stamp(at)
	for _, s := range b.subscriptions {
		if !s.wants(e.Kind) {
			continue
		}
		select {
		case s.events <- e:
		default:
			s.dropped++
			b.dropped++
		}
	}
}

// unheard counts an event that nobody subscribed to, and reports whether it is one:
// to clean it would be for nothing.
func (b *Bus) unheard(kind Kind, at time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if slices.ContainsFunc(b.subscriptions, func(s *Subscription) bool { return s.wants(kind) }) {
		return false
	}
	b.stamp(at)
	return true
}

// stamp gives the number and the time of the next event; b.mu is held.
func (b *Bus) stamp(at time.Time) (uint64, time.Time) {
	if at.Before(b.last) {
		at = b.last
	}
	b.last = at
	b.seq++
	return b.seq, at
}

// Seq returns the number of the newest event; 0 before the first.
func (b *Bus) Seq() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.seq
}

// Dropped returns how many events slow subscriptions lost since the bus was
// made, counted once for each subscription that lost one. Closed subscriptions
// stay counted.
func (b *Bus) Dropped() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.dropped
}

// Subscribe returns a subscription that holds up to size events (at least 1)
// which its reader has not taken yet. No kinds means every kind. The caller
// must Close it.
func (b *Bus) Subscribe(size int, kinds ...Kind) *Subscription {
	s := &Subscription{
		bus:    b,
		kinds:  slices.Clone(kinds),
		events: make(chan Event, max(size, 1)),
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	s.start = b.seq
	b.subscriptions = append(b.subscriptions, s)
	return s
}

// Subscription is one watcher's queue. Its methods are safe for concurrent
// use.
type Subscription struct {
	bus    *Bus
	kinds  []Kind
	events chan Event
	start  uint64

	dropped uint64 // guarded by bus.mu
	closed  bool   // guarded by bus.mu
}

// wants reports whether it is for events of a kind.
func (s *Subscription) wants(kind Kind) bool {
	return len(s.kinds) == 0 || slices.Contains(s.kinds, kind)
}

// C is where the events arrive, in the order of the bus. Close closes it;
// events that were queued before can still be read.
func (s *Subscription) C() <-chan Event { return s.events }

// Start returns the number of the last event before the subscription: the
// first one that can arrive has a higher Seq.
func (s *Subscription) Start() uint64 { return s.start }

// Dropped returns how many events this subscription lost. With no kinds chosen
// each is also a gap in Seq; with kinds, gaps are other kinds too.
func (s *Subscription) Dropped() uint64 {
	s.bus.mu.Lock()
	defer s.bus.mu.Unlock()
	return s.dropped
}

// Close ends the subscription and closes C. Calling it again does nothing.
func (s *Subscription) Close() {
	s.bus.mu.Lock()
	defer s.bus.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	s.bus.subscriptions = slices.DeleteFunc(s.bus.subscriptions, func(o *Subscription) bool { return o == s })
	// Every send holds the lock, so none can meet the closed channel.
	close(s.events)
}
