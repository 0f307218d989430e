package registry

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"openclaw/gateway/event"
)

// denialKey is what makes two refusals the same row.
type denialKey struct{ agent, operation, target, rule string }

func keyOf(d event.Denial) denialKey { return denialKey{d.Agent, d.Operation, d.Target, d.Rule} }

type denialRow struct {
	event.Denial
	shown time.Time // when its last event was published
}

type minuteCount struct {
	minute int64
	count  int
}

// auditsAtOnce is how many denials of one report wait for the disk together:
// the audit log syncs callers that come at the same time once.
const auditsAtOnce = 64

// Deny takes refusals: each is written to the audit log and then merged into
// its row and shown; of a flood the larger part is counted only, see MoreTargets.
// Count says how often it happened; less than 1 is 1. The error is the audit
// log's: they are shown all the same, a notice says that not all of them are
// on record, and they are put there as soon as that is possible.
func (r *Registry) Deny(ctx context.Context, denials ...event.Denial) error {
	return r.deny(ctx, false, denials)
}

// DenyKept is Deny for who keeps what could not be written down, and comes again with it:
// it is not shown until then.
func (r *Registry) DenyKept(ctx context.Context, denials ...event.Denial) error {
	return r.deny(ctx, true, denials)
}

func (r *Registry) deny(ctx context.Context, kept bool, denials []event.Denial) error {
	records, rows := r.gather(r.maskDenials(denials))
	failed, err := r.record(ctx, records)
	agents := map[string]struct{}{}
	for i := range rows {
		if kept && failed[rows[i].record] {
			continue
		}
		r.merge(rows[i].Denial)
		agents[rows[i].Agent] = struct{}{}
	}
	for name := range agents {
		defer r.touchAgent(name)
	}
	if err == nil {
		return nil
	}
	if !kept {
		for i := range failed {
			r.owe(records[i])
		}
	}
	r.options.Publish(event.Event{Kind: event.KindNotice, Notice: &event.Notice{ // one a report: the disk is full for all of them
		Level: "error", Text: fmt.Sprintf("a denial could not be written to the audit log: %v", err),
	}})
	return err
}

// merge counts one refusal and publishes its row unless that is too young.
func (r *Registry) merge(d event.Denial) {
	now := r.options.Now()
	if d.Last.IsZero() {
		d.Last = now
	}
	if d.First.IsZero() {
		d.First = d.Last
	}
	d.Rows = "" // the record has it
	key := keyOf(d)
	r.mu.Lock()
	slot := &r.minutes[now.Unix()/60%60]
	if minute := now.Unix() / 60; slot.minute != minute {
		*slot = minuteCount{minute: minute}
	}
	slot.count += d.Count
	r.perAgent[d.Agent] += d.Count
	var row *denialRow
	if element, known := r.denials[key]; known {
		row = element.Value.(*denialRow)
		d.ID, d.First, d.Count = row.ID, row.First, row.Count+d.Count
		if d.Last.Before(row.Last) {
			d.Last = row.Last
		}
		row.Denial = d
		r.order.MoveToBack(element)
	} else {
		r.makeRoom()
		d.ID = r.newID()
		row = &denialRow{Denial: d}
		r.byID[d.ID] = row
		r.rows[d.Agent]++
		r.denials[key] = r.order.PushBack(row)
	}
	young := now.Sub(row.shown) < denialInterval
	if young {
		r.dirty[row] = struct{}{}
		r.holdBack()
	} else {
		row.shown = now
		delete(r.dirty, row)
	}
	r.mu.Unlock()
	if !young {
		r.options.Publish(event.Event{Kind: event.KindDenial, Denial: &d})
	}
}

// makeRoom lets the row go that changed longest ago, of the agent that has the
// most: no agent's flood pushes out what another one did. r.mu is held.
func (r *Registry) makeRoom() {
	if r.order.Len() < maxDenials {
		return
	}
	loudest := mostOf(r.rows)
	for e := r.order.Front(); e != nil; e = e.Next() {
		row := e.Value.(*denialRow)
		if row.Agent != loudest {
			continue
		}
		delete(r.denials, keyOf(row.Denial))
		delete(r.byID, row.ID)
		delete(r.dirty, row)
		r.order.Remove(e)
		count(r.rows, loudest, -1)
		return
	}
}

// Denials returns the newest rows, newest last; an empty agent is every agent,
// and limit below 1 is 1,000.
func (r *Registry) Denials(agent string, limit int) []event.Denial {
	if limit < 1 {
		limit = 1000
	}
	out := []event.Denial{}
	r.mu.Lock()
	defer r.mu.Unlock()
	for e := r.order.Back(); e != nil && len(out) < limit; e = e.Prev() {
		if row := e.Value.(*denialRow); agent == "" || row.Agent == agent {
			out = append(out, row.Denial)
		}
	}
	slices.Reverse(out)
	return out
}

// Denial returns the row with an id.
func (r *Registry) Denial(id string) (event.Denial, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	row, known := r.byID[id]
	if !known {
		return event.Denial{}, false
	}
	return row.Denial, true
}

// newID is short enough to type, and no number that a gateway before this one has
// given to another refusal: an answer to what is still on a screen must not become
// a rule for something else. r.mu is held.
func (r *Registry) newID() string {
	for {
		var b [3]byte
		_, _ = rand.Read(b[:]) // it never fails
		id := hex.EncodeToString(b[:])
		if r.byID[id] == nil {
			return id
		}
	}
}

// DeniedHour returns the refusals of the last sixty minutes, counted by the
// minute.
func (r *Registry) DeniedHour() int {
	now := r.options.Now().Unix() / 60
	r.mu.Lock()
	defer r.mu.Unlock()
	total := 0
	for _, slot := range r.minutes {
		if now-slot.minute < 60 {
			total += slot.count
		}
	}
	return total
}

// Denied returns an agent's refusals since the registry was made.
func (r *Registry) Denied(agent string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.perAgent[agent]
}
