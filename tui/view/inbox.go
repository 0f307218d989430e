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
	name   string // of an ask's row, and of what stands in the place of one
	ask    *event.Ask
	denial *event.Denial
	memo   *memo
}

// id names the row.
func (r *inboxRow) id() string {
	if r.name == "" {
		return r.denial.ID
	}
	return r.name
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
	waits []inboxRow // oldest first
	rest  []inboxRow // oldest first, so that one more is one more at the end

	at    standing
	anew  uint64                // counts how often all rows were put in order
	over  []inboxRow            // asks that wait no more, the first to end first
	asked map[attempt]time.Time // when it was asked first
	past  map[string]*event.Ask // answers to denials, by the denial's id
	last  int                   // where in rest get found a row
}

// standing is what of the data an order was made from: counts of changes, and how many
// denials are in it.
type standing struct {
	asks, denials, moves, again uint64
	taken                       int
}

// attempt is what an ask and the denial that it ends as have in common.
type attempt struct{ agent, operation, target string }

// len is the number of rows, row one of them, and edits counts the changes.
func (b *inbox) len() int { return len(b.waits) + len(b.rest) }

func (b *inbox) row(i int) *inboxRow {
	if i < len(b.waits) {
		return &b.waits[i]
	}
	return &b.rest[b.len()-1-i]
}

func (b *inbox) edits() uint64 { return b.at.asks + b.at.denials }

// shape changes with every change but denials that come in as the newest: those stand
// behind so many rows.
func (b *inbox) shape() (shape uint64, behind int) { return b.anew + b.at.again, len(b.waits) }

// update puts the rows in order when something changed, and reports whether it did.
func (b *inbox) update(d *Data) bool {
	now := standing{d.Asks.Edits, d.Denials.Edits, d.Denials.moves, d.Denials.again, d.Denials.Len()}
	before := b.at
	if now == before && b.asked != nil {
		return false
	}
	b.at = now
	if b.asked == nil || now.asks != before.asks {
		b.sort(d.Asks)
	} else if now.moves == before.moves && (now.again == before.again || len(b.asked) == 0) && b.grow(d.Denials, before.taken) {
		return true
	}
	b.anew++
	b.rest = b.rest[:0]
	// The newest first: an answered ask stands above the first denial that was last tried before.
	next := len(b.over)
	for i := range d.Denials.Len() {
		denial := d.Denials.Newest(i)
		for ; next > 0 && endOf(b.over[next-1].ask).After(denial.Last); next-- {
			b.rest = append(b.rest, b.over[next-1])
		}
		b.take(d.Denials, i)
	}
	for ; next > 0; next-- {
		b.rest = append(b.rest, b.over[next-1])
	}
	slices.Reverse(b.rest)
	return true
}

// grow takes the denials that came since so many were taken, and reports whether nothing
// else changes by them.
func (b *inbox) grow(denials *Rows[event.Denial], taken int) bool {
	for i := denials.Len() - 1 - taken; i >= 0; i-- {
		if n := len(b.over); n > 0 && endOf(b.over[n-1].ask).After(denials.Newest(i).Last) {
			return false
		}
		b.take(denials, i)
	}
	return true
}

// take takes denial i, counted from the newest, unless an ask has told of it.
func (b *inbox) take(denials *Rows[event.Denial], i int) {
	if denial := denials.Newest(i); len(b.asked) == 0 || !b.told(denial) {
		b.rest = append(b.rest, inboxRow{denial: denial, memo: denials.memo(i)})
	}
}

// sort parts the asks into those that wait, and those that do not.
func (b *inbox) sort(asks *Rows[event.Ask]) {
	b.waits, b.over = b.waits[:0], b.over[:0]
	b.asked, b.past = map[attempt]time.Time{}, map[string]*event.Ask{}
	for i := range asks.Len() {
		i = asks.Len() - 1 - i // the oldest first
		a := asks.Newest(i)
		if denial, past := event.DenialOf(a.ID); past {
			b.past[denial] = a
		}
		tried := attempt{a.Agent, a.Operation, a.Target}
		if first, known := b.asked[tried]; !known || a.First.Before(first) {
			b.asked[tried] = a.First
		}
		row := inboxRow{name: askPrefix + a.ID, ask: a, memo: asks.memo(i)}
		if a.State == event.AskWaiting {
			b.waits = append(b.waits, row)
		} else {
			b.over = append(b.over, row)
		}
	}
	slices.SortStableFunc(b.waits, func(x, y inboxRow) int { return x.ask.First.Compare(y.ask.First) })
	slices.SortStableFunc(b.over, func(x, y inboxRow) int { return endOf(x.ask).Compare(endOf(y.ask)) })
}

// askPrefix keeps the ids of asks and of denials apart.
const askPrefix = "?"

// triedBefore bounds how long before its ask a request was tried: a denial has the time of
// that, and on a busy machine the ask reaches the gateway some seconds later.
const triedBefore = time.Minute

// told reports whether a denial is the end of an ask that has a row already, or
// was allowed since. One that is older ended another ask, which is not listed any more.
func (b *inbox) told(d *event.Denial) bool {
	if a := b.past[d.ID]; a != nil && a.State == event.AskAllowed && !d.Last.After(a.Decided) {
		return true
	}
	first, asked := b.asked[attempt{d.Agent, d.Operation, d.Target}]
	return strings.HasPrefix(d.Rule, "ask: ") && asked && !d.Last.Before(first.Add(-triedBefore))
}

// get finds a row by its id, first where it was last.
func (b *inbox) get(id string) *inboxRow {
	if b.last < len(b.rest) && b.rest[b.last].id() == id {
		return &b.rest[b.last]
	}
	for i := range b.waits {
		if b.waits[i].id() == id {
			return &b.waits[i]
		}
	}
	for i := range slices.Backward(b.rest) {
		if b.rest[i].id() == id {
			b.last = i
			return &b.rest[i]
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
