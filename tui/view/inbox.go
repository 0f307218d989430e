package view

import (
	"slices"
	"strings"
	"time"

	"openclaw/gateway/event"
	"openclaw/sandbox/policy"
)

// inboxRow is an ask or a denial.
type inboxRow struct {
	id     string
	ask    *event.Ask
	denial *event.Denial
}

func (r *inboxRow) text(yield func(key, value string) bool) {
	if r.denial != nil {
		denialText(r.denial, yield)
		return
	}
	a := r.ask
	_ = yield("agent", a.Agent) && yield("state", a.State) && yield("op", a.Operation) && yield("target", a.Target) &&
		yield("program", a.Program) && yield("rule", a.Rule) && yield("class", string(a.Class)) && yield("kind", string(a.Class)) &&
		yield("run", a.Run) && yield("", a.CommandLine) && yield("", a.Note)
}

func (r *inboxRow) operation() string {
	if r.denial != nil {
		return r.denial.Operation
	}
	return r.ask.Operation
}

func (r *inboxRow) class() policy.Class {
	if r.denial != nil {
		return r.denial.Class
	}
	return r.ask.Class
}

// line is where the rule that is the reason stands in the config; 0: in no line of it.
func (r *inboxRow) line() int {
	switch {
	case r == nil:
		return 0
	case r.denial != nil:
		return r.denial.Origin.Line
	}
	return r.ask.Origin.Line
}

// count is how often it was tried.
func (r *inboxRow) count() int {
	if r.denial != nil {
		return max(r.denial.Count, 1)
	}
	return max(r.ask.Count, 1)
}

// last is when a row was last heard of.
func (r *inboxRow) last() time.Time {
	if r.denial != nil {
		return r.denial.Last
	}
	return r.ask.Last
}

// inbox is the order of the rows: what waits, oldest first, then the rest,
// newest first. A row that arrives while others wait stands below them.
type inbox struct {
	rows    []inboxRow
	waiting int

	edits uint64
	over  []*event.Ask
	asked map[string]bool
	past  map[string]*event.Ask // answers to denials, by the denial's id
	last  int                   // where get found a row
}

// update puts the rows in order when something changed, and reports whether it did.
func (b *inbox) update(d *Data) bool {
	edits := d.Denials.Edits + d.Asks.Edits
	if edits == b.edits && len(b.rows) > 0 {
		return false
	}
	b.edits = edits
	b.rows, b.over = b.rows[:0], b.over[:0]
	b.asked, b.past = map[string]bool{}, map[string]*event.Ask{}
	for i := range d.Asks.Len() {
		a := d.Asks.Oldest(i)
		if denial, past := event.DenialOf(a.ID); past {
			b.past[denial] = a
		}
		b.asked[a.Agent+"\n"+a.Operation+"\n"+a.Target] = true
		if a.State == event.AskWaiting {
			b.rows = append(b.rows, inboxRow{id: askPrefix + a.ID, ask: a})
		} else {
			b.over = append(b.over, a)
		}
	}
	b.waiting = len(b.rows)
	slices.SortStableFunc(b.rows, func(x, y inboxRow) int { return x.ask.First.Compare(y.ask.First) })
	slices.SortStableFunc(b.over, func(x, y *event.Ask) int { return endOf(y).Compare(endOf(x)) })
	next := 0
	for i := range d.Denials.Len() {
		denial := d.Denials.Newest(i)
		for next < len(b.over) && endOf(b.over[next]).After(denial.Last) {
			b.rows = append(b.rows, inboxRow{id: askPrefix + b.over[next].ID, ask: b.over[next]})
			next++
		}
		if b.told(denial) {
			continue
		}
		b.rows = append(b.rows, inboxRow{id: denial.ID, denial: denial})
	}
	for _, a := range b.over[next:] {
		b.rows = append(b.rows, inboxRow{id: askPrefix + a.ID, ask: a})
	}
	return true
}

// askPrefix keeps the ids of asks and of denials apart.
const askPrefix = "?"

// told reports whether a denial is the end of an ask that has a row already, or
// was allowed since.
func (b *inbox) told(d *event.Denial) bool {
	if a := b.past[d.ID]; a != nil && a.State == event.AskAllowed && !d.Last.After(a.Decided) {
		return true
	}
	return strings.HasPrefix(d.Rule, "ask: ") && b.asked[d.Agent+"\n"+d.Operation+"\n"+d.Target]
}

// get finds a row by its id, first where it was last.
func (b *inbox) get(id string) *inboxRow {
	if b.last < len(b.rows) && b.rows[b.last].id == id {
		return &b.rows[b.last]
	}
	for i := range b.rows {
		if b.rows[i].id == id {
			b.last = i
			return &b.rows[i]
		}
	}
	return nil
}

// endOf is when an ask that waits no more came to its end, as far as it is
// known.
func endOf(a *event.Ask) time.Time {
	if !a.Decided.IsZero() {
		return a.Decided
	}
	return a.Last
}
