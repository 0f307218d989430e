package view

import (
	"cmp"
	"slices"
)

// ordering is how the rows of a list stand when a person has said so: sorted by
// something, standing still, or marked. The rows themselves come and go as they do.
type ordering struct {
	sorts  []sorting
	rowID  func(i int) string                // of row i as they come, without filter and order
	rows   func() int                        // how many there are
	edits  func() uint64                     // counts the changes of the rows; nil: nobody does
	memo   func(i int) *memo                 // of row i; nil: nothing is remembered of any
	shape  func() (shape uint64, behind int) // see growth; nil: nobody knows
	above  func(i int) bool                  // row i stands above the others, however they are sorted; nil: none does
	by     int                               // which of sorts, counted from 1; 0: as they come
	frozen bool
	turns  uint64         // counts the changes of place
	place  map[string]int // of the rows that were there when order or standstill began
	hidden int            // rows that came since, while it stands still
	urgent int            // of those, the ones that would stand above the others

	slots  []int
	fresh  []int
	first  []int
	behind []int

	marks map[string]bool
}

// sorting is one way to sort.
type sorting struct {
	name string // of the column; English
	less func(i, j int) int
}

// on reports whether rows stand otherwise than they come.
func (o *ordering) on() bool { return o.place != nil }

// next sorts by the next column, or by none.
func (o *ordering) next() {
	if len(o.sorts) == 0 {
		return
	}
	o.by = (o.by + 1) % (len(o.sorts) + 1)
	o.hold()
}

// freeze has the rows stand still as they are, or go on: what came meanwhile is then
// what comes.
func (o *ordering) freeze() {
	if o.frozen {
		o.frozen = false
		if o.turns++; o.by == 0 {
			o.place = nil
		}
		return
	}
	order := o.all()
	if o.on() {
		order = o.arrange(order)
	}
	o.settle(order)
	o.frozen = true
}

// hold takes the rows that are there now as the ones that have a place. A list that is
// sorted is not sorted anew while it is read: what comes stands above it.
func (o *ordering) hold() {
	o.place, o.turns = nil, o.turns+1
	if o.by == 0 && !o.frozen {
		return
	}
	order := o.all()
	if o.by > 0 {
		slices.SortStableFunc(order, o.sorts[o.by-1].less)
	}
	if o.above != nil {
		rank := func(i int) int { // 0: it stands above
			if o.above(i) {
				return 0
			}
			return 1
		}
		slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(rank(i), rank(j)) })
	}
	o.settle(order)
}

// all are the numbers of the rows as they come.
func (o *ordering) all() []int {
	order := make([]int, o.rows())
	for i := range order {
		order[i] = i
	}
	return order
}

// settle gives each row its place.
func (o *ordering) settle(order []int) {
	o.place, o.turns = make(map[string]int, len(order)), o.turns+1
	for at, i := range order {
		o.place[o.rowID(i)] = at
	}
}

// shows reports whether row i is in sight: it was there when the standstill began.
func (o *ordering) shows(i int) bool { return !o.frozen || o.placeOf(i) >= 0 }

// placeOf is the place of row i; negative: it came since.
func (o *ordering) placeOf(i int) int {
	find := func() int {
		if at, known := o.place[o.rowID(i)]; known {
			return at
		}
		return -1
	}
	if o.memo == nil {
		return find()
	}
	m := o.memo(i)
	if m.turn != o.turns {
		m.turn, m.place = o.turns, find()
	}
	return m.place
}

// reveal has the rows go on where one that is wanted came during the standstill.
func (o *ordering) reveal(id string) {
	if _, known := o.place[id]; o.frozen && !known {
		o.freeze()
	}
}

// rename gives the place of a row to the one that stands for the same from now on.
func (o *ordering) rename(id, to string) {
	at, known := o.place[id]
	if _, has := o.place[to]; known && !has {
		delete(o.place, id)
		o.place[to] = at
		o.turns++
	}
}

// stands reports whether row i stands above the others now. A standstill moves none.
func (o *ordering) stands(i int) bool { return o.above != nil && !o.frozen && o.above(i) }

// arrange puts rows, by their numbers as they come, in order: what came since above
// the others, or out of sight while the list stands still.
func (o *ordering) arrange(match []int) []int {
	o.hidden, o.urgent = 0, 0
	o.slots = slices.Grow(o.slots[:0], len(o.place))[:len(o.place)]
	for i := range o.slots {
		o.slots[i] = -1
	}
	o.first, o.behind = o.first[:0], o.behind[:0]
	for _, i := range match {
		switch at := o.placeOf(i); {
		case at >= 0:
			o.slots[at] = i
		case o.frozen:
			o.hidden++
			if o.above != nil && o.above(i) {
				o.urgent++
			}
		case o.stands(i):
			o.first = append(o.first, i)
		default:
			o.behind = append(o.behind, i)
		}
	}
	match = match[:0]
	for at, i := range o.slots {
		if i >= 0 && o.stands(i) {
			match, o.slots[at] = append(match, i), -1
		}
	}
	match = append(append(match, o.first...), o.behind...)
	for _, i := range o.slots {
		if i >= 0 {
			match = append(match, i)
		}
	}
	return match
}

// mark marks a row, or takes the mark away.
func (o *ordering) mark(id string) {
	if id == "" {
		return
	}
	if o.marks[id] {
		delete(o.marks, id)
		return
	}
	if o.marks == nil {
		o.marks = map[string]bool{}
	}
	o.marks[id] = true
}

// marked are the marked rows that are still there, in the order that they come;
// without marks, the selected one.
func (b *browse) marked() []string {
	var ids []string
	for i := range b.order.rows() {
		if len(b.order.marks) == 0 {
			break
		}
		if id := b.order.rowID(i); b.order.marks[id] {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 && b.list.Selected() != "" {
		ids = append(ids, b.list.Selected())
	}
	return ids
}

// orderDo answers the actions that are about order and marks.
func (b *browse) orderDo(a ID) bool {
	if b.order.rowID == nil {
		return false
	}
	switch a {
	case ActSort:
		b.order.next()
		b.list.Move(ActTop, func(int) string { return "" })
		b.list.moved = false
	case ActFreeze:
		b.order.freeze()
	case ActMarkRow:
		b.order.mark(b.list.Selected())
	default:
		return false
	}
	b.recount()
	return true
}

// drawOrder says, on the filter line, how the rows stand.
func (b *browse) drawOrder(c *Canvas) {
	o := &b.order
	if o.frozen {
		c.Gap(2)
		c.Put(Bold, c.T("stands still"))
		if o.hidden > 0 {
			c.Put(Bold, c.T(", %s new", itoa(o.hidden)))
		}
		if o.urgent > 0 {
			c.Put(Bold, ", "+c.N(o.urgent, "held request"))
		}
	}
	if o.by > 0 {
		if by, name := c.T("by "), c.T(o.sorts[o.by-1].name); c.Room() >= 2+Width(by)+Width(name) {
			c.Gap(2)
			c.Put(Faint, by)
			c.Put(Plain, name)
		}
	}
	if n := len(o.marks); n > 0 {
		c.Gap(2)
		c.PutInt(Bold, n)
		c.Put(Bold, c.T(" marked"))
	}
	if !o.frozen {
		return
	}
	if text := c.T("({list.freeze} goes on)"); c.Room() > Width(text) {
		c.Gap(1)
		c.Put(Faint, text)
	}
}
