package view

import "slices"

// memo is what a list found out about a row, for as long as neither the row nor what was
// asked changes: ten thousand rows are not read again because one came.
type memo struct {
	parsed int // the filter that passed is about, as browse counts them; 0: none
	passed bool
	turn   uint64 // when place was looked up, as ordering counts them; 0: never
	place  int    // negative: none
}

// recount counts the rows anew before they are moved in: what was drawn last may be
// something else than what is there by now.
func (b *browse) recount() {
	if b.text != nil {
		b.list.count = b.count(b.order.rows(), b.text)
	}
}

// count says how many of n rows pass the filter. row i is then at place at(i).
func (b *browse) count(n int, text func(i int, yield func(key, value string) bool)) int {
	b.text = text
	if !b.filtered() && !b.order.on() {
		b.match, b.counted = b.match[:0], counting{}
		return n
	}
	if b.order.edits != nil {
		now := counting{true, n, b.order.edits(), b.order.turns, b.parsed, b.off, 0, b.order.growth()}
		if b.filter.timed() {
			now.second = b.second
		}
		before := b.counted
		b.counted = now
		if now == before || b.grew(before, now, text) {
			return len(b.match)
		}
	}
	b.match = b.match[:0]
	for i := range n {
		if b.passes(i, text) {
			b.match = append(b.match, i)
		}
	}
	if b.order.on() {
		b.match = b.order.arrange(b.match)
	}
	return len(b.match)
}

// counting is what a count of the rows depends on.
type counting struct {
	done         bool
	rows         int
	edits, turns uint64
	parsed       int
	off          bool
	second       int64 // of a filter that asks for the age; else 0
	growth       growth
}

// growth is what stays the same while rows only come in as the first but those that they
// stand behind.
type growth struct {
	known  bool
	shape  uint64
	behind int
}

func (o *ordering) growth() growth {
	if o.shape == nil {
		return growth{}
	}
	shape, behind := o.shape()
	return growth{true, shape, behind}
}

// grew looks only at what came in since it was counted last, and reports whether that is
// all that changed.
func (b *browse) grew(before, now counting, text func(i int, yield func(key, value string) bool)) bool {
	came := now.rows - before.rows
	before.rows, before.edits = now.rows, now.edits
	if before != now || !now.growth.known || came < 0 {
		return false
	}
	fresh := b.order.fresh[:0]
	for i := now.growth.behind; i < now.growth.behind+came; i++ {
		if b.order.on() && b.order.placeOf(i) >= 0 {
			return false // it was here before
		}
		if b.passes(i, text) {
			fresh = append(fresh, i)
		}
	}
	b.order.fresh = fresh
	above := 0
	for at, i := range b.match {
		switch {
		case i >= now.growth.behind:
			b.match[at] += came
		case at == above:
			above++
		}
	}
	if b.order.frozen {
		b.order.hidden += len(fresh)
	} else {
		b.match = slices.Insert(b.match, above, fresh...)
	}
	return true
}

// passes reports whether row i passes the filter.
func (b *browse) passes(i int, text func(i int, yield func(key, value string) bool)) bool {
	return !b.filtered() || b.matches(i, text) && (b.old == nil || b.filter.Young(b.old(i)))
}

// matches reports what the filter says of row i, its age aside.
func (b *browse) matches(i int, text func(i int, yield func(key, value string) bool)) bool {
	if b.order.memo == nil {
		return b.filter.Match(i, text)
	}
	m := b.order.memo(i)
	if m.parsed != b.parsed {
		m.parsed, m.passed = b.parsed, b.filter.Match(i, text)
	}
	return m.passed
}

func (b *browse) filtered() bool { return !b.off && !b.filter.Empty() }

func (b *browse) at(i int) int {
	if b.filtered() || b.order.on() {
		return b.match[i]
	}
	return i
}
