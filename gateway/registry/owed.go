package registry

import (
	"context"
	"strconv"
	"sync"
	"time"

	"openclaw/gateway/event"
)

const (
	maxOwed     = 4096            // denials that wait for their record by their targets; twice as many by their rules
	maxOwedRows = 4 << 10         // bytes of the numbers that one of them stands for: 32 MB for all
	owedEvery   = 2 * time.Second // between two tries
	moreRules   = "(more rules than could be told apart)"
)

// owedKey is what makes two denials one record.
type owedKey struct{ agent, run, operation, target, rule string }

func owedKeyOf(d *event.Denial) owedKey {
	return owedKey{d.Agent, d.Run, d.Operation, d.Target, d.Rule}
}

// record writes denials down, many at a time. failed are those that could not be, by
// their index; err is the error of one of them.
func (r *Registry) record(ctx context.Context, records []event.Denial) (failed map[int]bool, err error) {
	failures := make([]error, len(records))
	var group sync.WaitGroup
	gate := make(chan struct{}, auditsAtOnce)
	for i := range records {
		gate <- struct{}{}
		group.Go(func() {
			failures[i] = r.options.Audit(ctx, records[i])
			<-gate
		})
	}
	group.Wait()
	failed = map[int]bool{}
	for i, failure := range failures {
		if failure != nil {
			failed[i], err = true, failure
		}
	}
	return failed, err
}

// owe keeps denials that could not be written down until they can be: bounded, and with
// exact counts.
func (r *Registry) owe(denials ...event.Denial) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range denials {
		at, known := r.owedAt[owedKeyOf(&d)]
		if !known && len(r.owed) >= maxOwed {
			d.Target = MoreTargets
			at, known = r.owedAt[owedKeyOf(&d)]
		}
		if !known && len(r.owed) >= 2*maxOwed {
			d.Rule, d.Run = moreRules, ""
			at, known = r.owedAt[owedKeyOf(&d)]
		}
		if !known {
			r.owedAt[owedKeyOf(&d)] = len(r.owed)
			r.owed = append(r.owed, d)
			continue
		}
		have := &r.owed[at]
		have.Row, have.Rows, have.Count = 0, joinRows(have, &d), have.Count+d.Count
		if d.Last.After(have.Last) {
			have.Last, have.PID, have.Program, have.CommandLine = d.Last, d.PID, d.Program, d.CommandLine
		}
	}
	select {
	case r.owing <- struct{}{}:
	default: // Run has not heard the last word yet
	}
}

// joinRows are the numbers of two denials that become one. Where they are too many for a
// record there are none: only a gateway that dies then could count one of them twice.
func joinRows(a, b *event.Denial) string {
	rows := ""
	for _, d := range []*event.Denial{a, b} {
		text := d.Rows
		if d.Row > 0 {
			text = strconv.FormatUint(d.Row, 10)
		}
		if text == "" || rows == "" {
			rows += text
		} else {
			rows += "," + text
		}
	}
	if len(rows) > maxOwedRows {
		return ""
	}
	return rows
}

// recordOwed writes down what is owed, and reports whether some of it still is.
func (r *Registry) recordOwed(ctx context.Context) (more bool) {
	r.mu.Lock()
	owed := r.owed
	r.owed, r.owedAt = nil, map[owedKey]int{}
	r.mu.Unlock()
	if len(owed) == 0 {
		return false
	}
	if err := r.options.Audit(ctx, owed[0]); err != nil { // the others would fail as well
		r.owe(owed...)
		return true
	}
	owed = owed[1:]
	failed, _ := r.record(ctx, owed)
	for i := range failed {
		r.owe(owed[i])
	}
	return len(failed) > 0
}

// Owed is how many refusals were shown and are not on record yet.
func (r *Registry) Owed() (count int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.owed {
		count += r.owed[i].Count
	}
	return count
}
