package view

// List is the state of a list on the screen: which row is selected, by id, and
// which part is in sight. Rows that arrive never change the selected row, and
// never move it out of sight.
type List struct {
	id    string // of the selected row; empty: none yet
	index int    // where it was when last drawn
	top   int    // first row in sight when last drawn
	rows  int    // rows in sight when last drawn
	count int    // rows in all when last drawn
	seen  int    // count when the top was last in sight
	moved bool   // the person has moved in it
	other bool   // what stands in it was chosen anew since it was last drawn
}

// Anew says that the rows are others, by the person's own choice: none of them has arrived.
func (l *List) Anew() { l.other = true }

// Selected is the id of the selected row.
func (l *List) Selected() string { return l.id }

// Enter is for a list that comes into sight. As long as the person has not
// moved in it, the first row is selected then; what comes while it is in sight
// moves nothing.
func (l *List) Enter() {
	if !l.moved {
		l.id, l.index, l.top = "", 0, 0
	}
}

// Index is the place of the selected row when the list was last laid out.
func (l *List) Index() int { return l.index }

// settle selects the row that takes the place of one that is gone, as Lay will: what is
// drawn before it is of the row that is selected then.
func (l *List) settle(count int, id func(int) string) {
	if count > 0 {
		l.id = id(l.find(count, id))
	}
}

// Lay places count rows into height cells. id names row i. It returns the first
// row in sight.
func (l *List) Lay(count, height int, id func(int) string) int {
	l.count, l.rows = count, height
	if count == 0 || height <= 0 {
		l.index, l.top, l.seen = 0, 0, count
		return 0
	}
	was := l.index - l.top // the line at which the reader sees the selected row
	l.index = l.find(count, id)
	l.id = id(l.index)
	if l.top > 0 || l.index >= height {
		l.top = l.index - was
	}
	l.clamp()
	if l.top == 0 || l.other {
		l.seen = count
	}
	l.other = false
	return l.top
}

// find looks for the selected id, outward from where it was. When it is gone
// the row that took its place is selected.
func (l *List) find(count int, id func(int) string) int {
	at := min(max(l.index, 0), count-1)
	if l.id == "" {
		return at
	}
	for d := range count {
		if up := at + d; up < count && id(up) == l.id {
			return up
		}
		if down := at - d; d > 0 && down >= 0 && id(down) == l.id {
			return down
		}
	}
	return at
}

func (l *List) clamp() {
	l.top = min(l.top, l.index, l.count-1)
	l.top = max(l.top, l.index-l.rows+1, 0)
	if rest := l.count - l.rows; l.top > max(rest, 0) {
		l.top = max(rest, 0)
	}
}

// Unseen is how many rows arrived above the part in sight.
func (l *List) Unseen() int {
	if l.top == 0 {
		return 0
	}
	return min(max(l.count-l.seen, 0), l.top)
}

// Move handles the actions that move in a list and reports whether a was one.
// id names row i.
func (l *List) Move(a ID, id func(int) string) bool {
	to := l.index
	switch a {
	case ActUp:
		to--
	case ActDown:
		to++
	case ActPageUp:
		to -= max(l.rows-1, 1)
	case ActPageDown:
		to += max(l.rows-1, 1)
	case ActTop:
		to = 0
	case ActBottom:
		to = l.count - 1
	default:
		return false
	}
	if l.count == 0 {
		return true
	}
	l.index = min(max(to, 0), l.count-1)
	l.id, l.moved = id(l.index), true
	l.clamp()
	if l.top == 0 {
		l.seen = l.count
	}
	return true
}
