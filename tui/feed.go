package tui

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"sync"
	"time"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

// How many events wait for the screen at most, and how often it draws.
const (
	feedSize    = 100_000
	frameEvery  = time.Second / 30
	streamEvery = time.Second / 15      // when only a stream moved
	manyEvents  = 100                   // of whatever kind, since the last frame: a stream
	early       = 10 * time.Millisecond // a stream that the gateway sends at streamEvery is not waited for
	callTimeout = 10 * time.Second
)

// feed is the ring between the gateway's events and the screen. Whoever pushes
// never waits: when the screen is too slow the oldest events are written over
// and counted, as is what never came, by the gaps in the numbers of what did.
type feed struct {
	wake chan struct{} // one slot: something changed

	mu         sync.Mutex
	ring       *view.Ring[event.Event]
	taken      uint64 // the number of the next event to hand over
	newest     uint64 // the Seq of the newest event; 0: none of this subscription came yet
	missed     uint64 // events that never came, or were written over: each counts once
	urgent     bool   // more than log lines since the last take
	asked      bool   // a request that is held, too, or the connection's state
	link       view.Link
	generation uint64 // counts subscriptions
}

func newFeed(size int) *feed {
	return &feed{wake: make(chan struct{}, 1), ring: view.NewRing[event.Event](size)}
}

func (f *feed) signal() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// push adds events that are already printable.
func (f *feed) push(events ...event.Event) {
	f.mu.Lock()
	for i := range events {
		e := &events[i]
		if f.newest != 0 && e.Seq > f.newest+1 {
			f.missed += e.Seq - f.newest - 1
		}
		f.newest = max(f.newest, e.Seq)
		if e.Kind == event.KindGap { // its own number is that of an event that was lost
			f.missed++
			continue
		}
		f.ring.Push(*e)
		f.urgent, f.asked = f.urgent || e.Log == nil, f.asked || e.Ask != nil || e.Clock != nil
	}
	f.mu.Unlock()
	f.signal()
}

// take moves all waiting events to dst, and says how many were missed so far.
func (f *feed) take(dst []event.Event) (events []event.Event, missed uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if first := f.ring.First(); first > f.taken {
		f.missed += first - f.taken
		f.taken = first
	}
	for ; f.taken < f.ring.Next(); f.taken++ {
		dst = append(dst, *f.ring.At(f.taken))
	}
	f.ring.Clear()
	f.taken, f.urgent, f.asked = f.ring.Next(), false, false
	return dst, f.missed
}

func (f *feed) state() (view.Link, uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.link, f.generation
}

func (f *feed) setLink(l view.Link) {
	f.mu.Lock()
	f.link = l
	f.asked = true
	if l.Up {
		f.generation++
		f.newest = 0 // a new subscription, perhaps of a new gateway; what it is about is fetched
	}
	f.mu.Unlock()
	f.signal()
}

// pace calls frame after a wake, at most 30 times a second, 15 when only log lines or
// very many events came. What the person is asked is shown at once. It wakes for
// nothing: after a frame it rests only when the next comes too soon. It ends with ctx.
func (f *feed) pace(ctx context.Context, frame func()) {
	var last, lastAsked time.Time
	rest := time.NewTimer(time.Hour)
	defer rest.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
		}
		now := time.Now()
		due, asked := f.due(last, lastAsked)
		for ; due.After(now); due, asked = f.due(last, lastAsked) {
			rest.Reset(due.Sub(now))
			select {
			case <-ctx.Done():
				return
			case <-f.wake: // perhaps it is urgent
			case <-rest.C:
			}
			now = time.Now()
		}
		last = now
		if asked {
			lastAsked = now
		}
		frame()
	}
}

// due is when the next frame may be drawn, the last ones having been at these times,
// and whether it is for what the person is asked.
func (f *feed) due(last, lastAsked time.Time) (due time.Time, asked bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.asked:
		return lastAsked.Add(frameEvery), true
	case f.urgent && f.ring.Next()-f.taken < manyEvents:
		return last.Add(frameEvery), false
	}
	return last.Add(streamEvery - early), false
}

// follow keeps a subscription to the gateway's events alive until ctx ends: it
// dials again with a growing pause, at most five seconds.
func (f *feed) follow(ctx context.Context, b Backend) {
	const first, most = 250 * time.Millisecond, 5 * time.Second
	pause, attempt := first, 0
	for {
		events, err := b.Events(ctx)
		if err == nil {
			pause, attempt = first, 0
			f.setLink(view.Link{Up: true, Tried: true})
			f.drain(ctx, events)
			err = errors.New("the connection ended")
		}
		if ctx.Err() != nil {
			return
		}
		attempt++
		f.setLink(view.Link{Tried: true, Problem: problemText(err), Attempt: attempt})
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, most)
		call, cancel := context.WithTimeout(ctx, callTimeout)
		_ = b.Reconnect(call) // Events reports what is wrong when this did not help
		cancel()
	}
}

// drain takes what comes until ctx ends or nothing comes any more. What came together is
// one batch: to wake for each event costs more than the event.
func (f *feed) drain(ctx context.Context, events <-chan []event.Event) {
	for {
		select {
		case <-ctx.Done():
			return
		case batch, ok := <-events:
			if !ok {
				return
			}
			for i := range batch {
				batch[i] = view.CleanEvent(batch[i])
			}
			f.push(batch...)
		}
	}
}

// problemText is what a person reads of an error: what happened, and the hint
// when the error has one, on one line.
func problemText(err error) string {
	text := strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ")
	if hint := strings.Join(strings.Fields(hintOf(err)), " "); hint != "" && !strings.Contains(text, hint) {
		text += ". " + hint
	}
	return view.Printable(text, 600)
}

// hintOf finds the person's cure in a tree of errors, the outermost first: a method
// Hint, or the field Hint that typed errors of this program carry.
func hintOf(err error) string {
	if hint := ownHint(err); hint != "" {
		return hint
	}
	switch e := err.(type) { //nolint:errorlint // it walks the tree itself
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			return hintOf(inner)
		}
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			if hint := hintOf(one); hint != "" {
				return hint
			}
		}
	}
	return ""
}

// ownHint is the cure of this very error, not of one that it wraps.
func ownHint(err error) string {
	if hinted, ok := err.(interface{ Hint() string }); ok {
		return hinted.Hint()
	}
	v := reflect.ValueOf(err)
	if v.Kind() == reflect.Pointer && !v.IsNil() && v.Elem().Kind() == reflect.Struct {
		if hint := v.Elem().FieldByName("Hint"); hint.IsValid() && hint.Kind() == reflect.String {
			return hint.String()
		}
	}
	return ""
}
