package registry

import (
	"time"

	"golang.org/x/time/rate"

	"openclaw/gateway/event"
)

// How many denials are put on record one by one. An agent that asks for
// thousands of names a second would otherwise fill the disk with its audit
// records, and push out of sight what matters. Every rule has room of its own,
// so that a flood against one hides nothing that another one refused.
const (
	listedAtOnce    = 1000 // of one agent, operation and rule
	listedPerSecond = 2    // after that
	maxListings     = 4096 // combinations that are told apart; further ones share room
)

// MoreTargets stands in the place of the targets that are counted only.
const MoreTargets = "(more targets than are listed)"

// listing is what has room of its own.
type listing struct {
	agent, operation, rule string
	repeat                 bool // of a target that has a row: it takes no room from new ones
}

// listed reports whether one more denial may go on record by itself; r.mu is
// held.
func (r *Registry) listed(key listing, now time.Time) bool {
	room, known := r.listings[key]
	if !known {
		if len(r.listings) >= maxListings {
			key = listing{}
			room, known = r.listings[key]
		}
		if !known {
			room = rate.NewLimiter(listedPerSecond, listedAtOnce)
			r.listings[key] = room
		}
	}
	return room.AllowN(now, 1)
}

// shownRow is what is shown of one denial, or of several.
type shownRow struct {
	event.Denial
	record int // that it is in
}

// gather sorts denials. records go into the audit log: each denial for which
// there is room, and one that counts the others for each agent, run, operation
// and rule. rows are shown: the same, but that what has a row keeps it.
func (r *Registry) gather(denials []event.Denial) (records []event.Denial, rows []shownRow) {
	now := r.options.Now()
	counted, unseen := event.Counter{Name: MoreTargets}, event.Counter{Name: MoreTargets}
	var inSum []int    // rows that are in a sum, whose number there is their record
	var unseenIn []int // sum of each of unseen
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range denials {
		d.Count = max(d.Count, 1)
		_, shown := r.denials[keyOf(d)]
		if r.listed(listing{d.Agent, d.Operation, d.Rule, shown}, now) {
			rows = append(rows, shownRow{d, len(records)})
			records = append(records, d)
			continue
		}
		sum := counted.Add(d)
		if shown {
			inSum = append(inSum, len(rows))
			rows = append(rows, shownRow{d, sum})
		} else if unseen.Add(d) == len(unseenIn) {
			unseenIn = append(unseenIn, sum)
		}
	}
	for i, d := range unseen.Sums() {
		inSum = append(inSum, len(rows))
		rows = append(rows, shownRow{d, unseenIn[i]})
	}
	for _, i := range inSum {
		rows[i].record += len(records)
	}
	return append(records, counted.Sums()...), rows
}
