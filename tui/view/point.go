package view

// place is where the rows of a list were drawn last, in cells from the view's
// corner.
type place struct {
	top   int // row of the first one
	first int // its number
	rows  int
	width int
	list  bool // there is a list
	id    func(i int) string
}

// Point takes a click, or a notch of the wheel, at a cell of the view. A click
// selects a row or chooses list or pane. It reports whether it was for the view.
func (b *browse) Point(x, y, wheel int) bool {
	p := &b.place
	inList := p.list && x < p.width && y < p.top+p.rows
	switch {
	case wheel != 0 && !inList && b.inPaneAt(y):
		id := ActDown
		if wheel < 0 {
			id, wheel = ActUp, -wheel
		}
		for range wheel {
			b.scroll(id)
		}
	case wheel != 0:
		return false
	case inList && y >= p.top:
		b.inPane = false
		b.recount()
		b.list.choose(p.first+y-p.top, p.id)
	case !inList && b.inPaneAt(y):
		b.inPane = true
	}
	return true
}

// inPaneAt reports whether a row of the view is one of the pane, for what is not in
// the list.
func (b *browse) inPaneAt(y int) bool { return b.list.count > 0 && y >= b.place.pane() }

// pane is the first row that a pane can have.
func (p *place) pane() int {
	if p.list {
		return min(p.top, p.top+p.rows)
	}
	return 1
}

// choose selects the row at a place.
func (l *List) choose(i int, id func(int) string) {
	if i >= 0 && i < l.count {
		l.index, l.moved = i, true
		l.id = id(i)
		l.clamp()
	}
}

// Point is that of the list, unless a run's terminal lies over it: then what is
// behind it stays as it is.
func (v *AgentsView) Point(x, y, wheel int) bool {
	if v.shown != nil {
		return wheel == 0
	}
	return v.browse.Point(x, y, wheel)
}

// Point takes a click on a line, which stops following.
func (v *LogsView) Point(_, y, wheel int) bool {
	i := v.linesFrom + y - v.linesAt
	if row := y - v.linesAt; v.wrap {
		if i = len(v.match); row >= 0 && row < len(v.rowsAt) {
			i = v.rowsAt[row]
		}
	}
	if wheel != 0 || v.full || len(v.match) == 0 {
		return false
	}
	if y >= v.linesAt && y < v.linesAt+v.rows && i < len(v.match) {
		line := v.match[i] // that the person saw there
		v.settle()
		if !v.paused {
			v.pause()
		}
		v.at = line
	}
	return true
}
