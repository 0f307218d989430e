package approve

import (
	"errors"
	"time"

	"openclaw/gateway/event"
)

// pauseFor is how long the clock of an ask stands still after a screen said that a
// person is at it. A screen that goes on says so again before it is over; one that has
// vanished, or stands still itself, says nothing, and the clock runs again.
const pauseFor = 5 * time.Second

// pauseAgain is the least that must have run off a pause before the next one counts:
// however many screens say it, the row changes once in that time.
const pauseAgain = time.Second

// Pause has the clock of an ask stand still for a moment, because a person is at it on
// a screen, and reports whether it does. All pauses together never hold a request
// longer than policy.AskCap says, whatever screens tell. What is answered or over stays
// that.
func (i *Inbox) Pause(id string) (paused bool, err error) {
	i.mu.Lock()
	r := i.byID[id]
	if r != nil {
		paused = i.pause(r)
	}
	i.mu.Unlock()
	if r == nil {
		return false, &Error{Op: "pause ask " + id, Kind: KindNotFound, Err: errors.New("there is no such ask"), Hint: "see 'openclaw asks'"}
	}
	i.tell()
	return paused, nil
}

// pause moves the deadlines of a row to where they are when its clock stands still
// until pauseFor from now. i.mu is held.
func (i *Inbox) pause(r *row) bool {
	now := i.o.Now()
	if r.ask.State != event.AskWaiting || len(r.held) == 0 {
		return false
	}
	from := now
	if until := r.ask.PausedUntil; until.After(now) {
		if until.Sub(now) > pauseFor-pauseAgain {
			return true
		}
		from = until
	}
	by := now.Add(pauseFor).Sub(from)
	for _, h := range r.held {
		if !now.Before(h.deadline) {
			return false // it is over, and only not yet told
		}
		by = min(by, h.last.Sub(h.deadline))
	}
	if by <= 0 {
		return from.After(now)
	}
	for _, h := range r.held {
		h.deadline = h.deadline.Add(by)
	}
	r.ask.PausedUntil = from.Add(by)
	r.ask.Deadline = r.deadline()
	i.outbox = append(i.outbox, event.Event{Kind: event.KindClock, Clock: &event.Clock{ID: r.ask.ID, Deadline: r.ask.Deadline, PausedUntil: r.ask.PausedUntil}})
	return true
}

// deadline is when the first request of a row is denied; zero: none waits.
func (r *row) deadline() (first time.Time) {
	for _, h := range r.held {
		if first.IsZero() || h.deadline.Before(first) {
			first = h.deadline
		}
	}
	return first
}
