package approve

import (
	"context"
	"fmt"
	"slices"
	"time"

	"openclaw/gateway/event"
)

// Run denies what nobody answers in time, until ctx ends. Then everything that
// waits is denied: nobody can answer any more.
func (i *Inbox) Run(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		next := i.Expire(ctx)
		wait := time.Hour
		if !next.IsZero() {
			wait = max(next.Sub(i.o.Now()), time.Millisecond)
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			i.close()
			return nil
		case <-i.wake:
		case <-timer.C:
		}
	}
}

// Expire denies what is past its deadline, and returns when the next one is;
// zero when nothing waits.
func (i *Inbox) Expire(ctx context.Context) (next time.Time) {
	now := i.o.Now()
	sooner := func(at time.Time) {
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	var late []Record
	i.mu.Lock()
	for _, r := range i.sorted() {
		ended := 0
		for _, h := range slices.Clone(r.held) {
			if now.Before(h.deadline) {
				sooner(h.deadline)
				continue
			}
			ended += h.waiting
			i.end(h, Verdict{ID: h.ID, Reason: ReasonMissed(h.request.Timeout)}, event.AskMissed)
		}
		if ended > 0 {
			i.changed(r)
			late = append(late, Record{Action: "miss", ID: r.ask.ID, Request: r.request, Held: ended})
		}
	}
	for agent, w := range i.minutes {
		if at, over := i.closeMinute(w, now); over {
			delete(i.minutes, agent)
		} else {
			sooner(at)
		}
	}
	i.mu.Unlock()
	i.tell()
	for _, record := range late {
		if err := i.o.Audit(ctx, record); err != nil { // it is denied already
			i.o.Failed(fmt.Errorf("record missed ask: %w", err))
		}
	}
	return next
}

// close denies all that waits.
func (i *Inbox) close() {
	i.mu.Lock()
	for _, r := range i.sorted() {
		for _, h := range slices.Clone(r.held) {
			i.end(h, Verdict{ID: h.ID, Reason: ReasonGone}, event.AskGone)
		}
		i.changed(r)
	}
	i.mu.Unlock()
	i.tell()
}

// window is the asks of one agent within the last minute.
type window struct {
	times   []time.Time // of new rows, oldest first; at most maxMinute
	limited *row        // the summary of what was denied unasked
}

// mayAsk counts a new row of an agent, or the denial of one. i.mu is held.
func (i *Inbox) mayAsk(r *Request, now time.Time) bool {
	w := i.minutes[r.Agent]
	if w == nil {
		w = &window{}
		i.minutes[r.Agent] = w
	}
	w.times = slices.DeleteFunc(w.times, func(at time.Time) bool { return now.Sub(at) >= minute })
	if len(w.times) < maxMinute {
		w.times = append(w.times, now)
		return true
	}
	if w.limited == nil {
		w.limited = &row{ask: event.Ask{
			ID: i.newID(), State: event.AskLimited, First: now, Agent: r.Agent, Run: r.Run, Target: "(more than 20 asks in a minute)",
			Rule: r.Rule, Origin: r.Origin, Reason: ReasonLimited,
		}}
		i.byID[w.limited.ask.ID] = w.limited
		i.remember(w.limited)
		i.changed(w.limited)
	}
	w.limited.ask.Count++
	w.limited.ask.Last = now
	return false
}

// closeMinute tells how many were denied once no more are, and forgets an agent
// that asks nothing. Otherwise it says when to look again. i.mu is held.
func (i *Inbox) closeMinute(w *window, now time.Time) (again time.Time, over bool) {
	w.times = slices.DeleteFunc(w.times, func(at time.Time) bool { return now.Sub(at) >= minute })
	if w.limited != nil && now.Sub(w.limited.ask.First) >= minute {
		i.changed(w.limited)
		w.limited = nil
	}
	switch {
	case w.limited != nil:
		return w.limited.ask.First.Add(minute), false
	case len(w.times) == 0:
		return time.Time{}, true
	}
	return w.times[len(w.times)-1].Add(minute), false
}
