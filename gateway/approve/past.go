package approve

import (
	"time"

	"openclaw/gateway/event"
)

// Denial is a request that a rule refused: nobody was asked, and nobody waits.
type Denial struct {
	Request
	First, Last time.Time
	Count       int
}

// past is the row of a denial that has none yet, or nil. It is not among the rows
// until an answer to it counts.
func (i *Inbox) past(id string) *row {
	if _, is := event.DenialOf(id); !is {
		return nil
	}
	i.mu.Lock()
	known := i.byID[id] != nil
	i.mu.Unlock()
	if known {
		return nil
	}
	d, found := i.o.Past(id)
	if !found {
		return nil
	}
	r := &row{ask: i.show(&d.Request, d.First), request: d.Request}
	r.ask.ID, r.ask.State, r.ask.Last, r.ask.Count = id, event.AskPast, d.Last, d.Count
	r.ask.Reason = d.Rule
	return r
}

// rowOf is the row with an id: one of the rows, or that of a past denial, which
// joins them with joins. i.mu is held.
func (i *Inbox) rowOf(id string, past *row, joins bool) *row {
	if r := i.byID[id]; r != nil {
		return r
	}
	if past != nil && joins {
		i.byID[id] = past
	}
	return past
}

// settlePast keeps the row of a past denial when its answer counts, and forgets
// it otherwise. i.mu is held.
func (i *Inbox) settlePast(r *row, counts bool) {
	if counts {
		i.remember(r)
	} else {
		delete(i.byID, r.ask.ID)
	}
}

// isPast reports whether a row is a denial's, that can be answered.
func isPast(r *row) bool {
	_, past := event.DenialOf(r.ask.ID)
	return past && (r.ask.State == event.AskPast || r.ask.State == event.AskUndone)
}
