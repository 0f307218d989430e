package view

import "slices"

// ordering is how the rows of a list stand when a person has said so: sorted by
// something, standing still, or marked. The rows themselves come and go as they do.
type ordering struct {
	sorts  []sorting
	rowID  func(i int) string // of row i as they come, without filter and order
	rows   int                // as they come, when last counted
	by     int                // which of sorts, counted from 1; 0: as they come
	frozen bool
	place  map[string]int // of the rows that were there when order or standstill began
	hidden int            // rows that came since, while it stands still

	slots  []int
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

// freeze has the rows stand still, or go on.
func (o *ordering) freeze() {
	o.frozen = !o.frozen
	o.hold()
}

// hold takes the rows that are there now as the ones that have a place. A list that is
// sorted is not sorted anew while it is read: what comes stands above it.
func (o *ordering) hold() {
	o.place, o.hidden = nil, 0
	if o.by == 0 && !o.frozen {
		return
	}
	order := make([]int, o.rows)
	for i := range order {
		order[i] = i
	}
	if o.by > 0 {
		slices.SortStableFunc(order, o.sorts[o.by-1].less)
	}
	o.place = make(map[string]int, len(order))
	for at, i := range order {
		o.place[o.rowID(i)] = at
	}
}

// arrange puts rows, by their numbers as they come, in order: what came since above
// the others, or out of sight while the list stands still.
func (o *ordering) arrange(match []int) []int {
	o.hidden = 0
	o.slots = slices.Grow(o.slots[:0], len(o.place))[:len(o.place)]
	for i := range o.slots {
		o.slots[i] = -1
	}
	o.behind = o.behind[:0]
	for _, i := range match {
		switch at, known := o.place[o.rowID(i)]; {
		case known:
			o.slots[at] = i
		case o.frozen:
			o.hidden++
		default:
			o.behind = append(o.behind, i)
		}
	}
	match = append(match[:0], o.behind...)
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

// count says how many of n rows pass the filter. row i is then at place at(i).
func (b *browse) count(n int, text func(i int, yield func(key, value string) bool)) int {
	b.match = b.match[:0]
	b.order.rows = n
	if !b.filtered() && !b.order.on() {
		return n
	}
	for i := range n {
		if !b.filtered() || b.filter.Match(func(yield func(key, value string) bool) { text(i, yield) }) && (b.old == nil || b.filter.Young(b.old(i))) {
			b.match = append(b.match, i)
		}
	}
	if b.order.on() {
		b.match = b.order.arrange(b.match)
	}
	return len(b.match)
}

func (b *browse) filtered() bool { return !b.off && !b.filter.Empty() }

func (b *browse) at(i int) int {
	if b.filtered() || b.order.on() {
		return b.match[i]
	}
	return i
}

// marked are the marked rows that are still there, in the order that they come;
// without marks, the selected one.
func (b *browse) marked() []string {
	var ids []string
	for i := range b.order.rows {
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
	return true
}

// drawOrder says, on the filter line, how the rows stand.
func (b *browse) drawOrder(c *Canvas) {
	o := &b.order
	if o.by > 0 {
		c.Gap(2)
		c.Put(Faint, c.T("by "))
		c.Put(Plain, c.T(o.sorts[o.by-1].name))
	}
	if o.frozen {
		c.Gap(2)
		c.Put(Bold, c.T("stands still"))
		if o.hidden > 0 {
			c.Put(Bold, c.T(", %s new", itoa(o.hidden)))
		}
		c.Put(Faint, c.T(" ({list.freeze} goes on)"))
	}
	if n := len(o.marks); n > 0 {
		c.Gap(2)
		c.PutInt(Bold, n)
		c.Put(Bold, c.T(" marked"))
	}
}
