package view

import (
	"strconv"
	"strings"
	"time"
)

// wide is the width from which a pane stands beside its list.
const wide = 110

// paneRoom is the most rows that a pane can hold.
const paneRoom = 400

// browse is what the views with a list and a pane share: selection, filter,
// the pane's own scrolling, and the layout at every width.
type browse struct {
	list    List
	edit    Editor
	typing  bool // the filter line captures keys
	filter  Filter
	off     bool
	fault   error
	keys    []string                  // that the filter knows
	saved   *SavedFilters             // nil: there are none
	match   []int                     // rows that pass, when a filter is on
	counted counting                  // when match was made
	parsed  int                       // counts the filters
	old     func(i int) time.Duration // of row i, for since; nil: rows have none
	second  int64                     // of the frame: so often since is looked at anew
	past    pastFilters
	order   ordering
	text    func(i int, yield func(key, value string) bool) // of row i, for the filter; nil: nothing was drawn yet
	place   place
	inPane  bool
	full    bool
	top     int // first row of the pane in sight
	more    int // rows of the pane below the sight
	shown   string
	sure    sure
}

// sure is a question that is open: only y does what it asks about.
type sure struct {
	text   string
	action Action
}

// ask opens a question.
func (b *browse) ask(text string, action Action) { b.sure = sure{Printable(text, 300), action} }

// Question is what is asked now; empty: nothing.
func (b *browse) Question() string { return b.sure.text }

// answered takes the key that answers the open question. Pasted text says no.
func (b *browse) answered(k Key) Action { return b.sure.answered(k) }

func (s *sure) answered(k Key) Action {
	action := s.action
	*s = sure{}
	if k.Name == "" && !k.Paste && len(k.Text) == 1 && k.Text[0] == 'y' {
		return action
	}
	return Action{}
}

// Enter is called when the view comes into sight.
func (b *browse) Enter() {
	if !b.inPane && !b.filtered() {
		b.list.Enter()
	}
}

// Filtering reports whether the filter is being written.
func (b *browse) Filtering() bool { return b.typing && b.sure.text == "" }

// captures reports whether typed text goes to the filter line.
func (b *browse) captures() bool { return b.typing || b.sure.text != "" }

// key takes text for the filter line.
func (b *browse) key(k Key) {
	switch k.Name {
	case "enter":
		b.typing = false
		b.past.keep(b.edit.Text())
	case "up", "down":
		if b.past.step(&b.edit, k.Name == "up") {
			b.parse()
		}
	case "tab":
		if b.complete() {
			b.parse()
		}
	case "esc":
		b.typing = false
		b.past.keep(b.edit.Text())
		b.edit.Wipe()
		b.parse()
	default:
		if b.edit.Key(k) {
			b.parse()
		}
	}
}

func (b *browse) parse() {
	f, err := b.read(b.edit.Text())
	if err != nil {
		b.fault = err
		return // the filter before stays until this one can be read
	}
	b.filter, b.fault, b.off = f, nil, false
	b.parsed++
	b.list.Anew()
}

// Find writes a filter line.
func (b *browse) Find(line string) {
	b.edit.Set(line)
	b.parse()
}

// read reads a filter line, with the lines that are saved in the place of their names.
func (b *browse) read(line string) (Filter, error) {
	if b.saved != nil {
		var err error
		if line, err = b.saved.expand(line); err != nil {
			return Filter{}, err
		}
	}
	return ParseFilter(line, b.keys)
}

// do answers the actions that all such views share.
func (b *browse) do(a ID, id func(int) string) bool {
	if b.orderDo(a) {
		return true
	}
	switch a {
	case ActFilter:
		b.typing = true
		b.past.at = 0
	case ActFilterOff:
		b.off = !b.off
		b.list.Anew()
	case ActPane:
		b.inPane = !b.inPane
	case ActOpen:
		b.full = !b.full
		b.inPane = b.full
		b.top = 0
	case ActBack:
		switch {
		case b.full:
			b.full, b.inPane = false, false
		case b.inPane:
			b.inPane = false
		case len(b.order.marks) > 0:
			clear(b.order.marks)
		default:
			return false
		}
	default:
		if b.inPane && b.scroll(a) {
			return true
		}
		b.recount()
		return b.list.Move(a, id)
	}
	return true
}

func (b *browse) scroll(a ID) bool {
	const page = 10
	switch a {
	case ActUp:
		b.top--
	case ActDown:
		b.top++
	case ActPageUp:
		b.top -= page
	case ActPageDown:
		b.top += page
	case ActTop:
		b.top = 0
	case ActBottom:
		b.top = paneRoom
	default:
		return false
	}
	b.top = max(b.top, 0)
	return true
}

func (b *browse) draw(c *Canvas, l *layout) {
	b.list.settle(l.count, l.id)
	if b.shown != b.list.id {
		b.shown, b.top = b.list.id, 0
	}
	b.list.Lay(l.count, b.listRows(c, l), l.id) // the filter line says what is above the sight
	b.drawFilter(c, l)
	b.place = place{}
	base := c.Rows()
	if l.total == 0 {
		c.End()
		for line := range strings.SplitSeq(l.empty, "\n") {
			c.Gap(1)
			c.Wrap(Plain, line, 1)
		}
		return
	}
	height := c.Left()
	switch {
	case l.count == 0:
		c.End()
		c.Gap(1)
		c.Line(Plain, c.T("No row passes the filter. esc in the filter line clears it, {filter.toggle} switches it off."))
	case b.full:
		b.list.Lay(l.count, height, l.id)
		b.drawPane(c, l, height)
	case c.Width() >= wide:
		width := c.Width() * l.share / 100
		left := c.Sub(0, width-1, height) // a blank before the line
		b.drawList(left, l, base)
		right := c.Sub(1, c.Width()-width-1, height)
		b.drawPane(right, l, height)
		c.Beside(left, right, 0)
	default:
		pane := l.paneRows(height)
		upper := c.Sub(0, c.Width(), height-pane)
		b.drawList(upper, l, base)
		upper.Down(height - pane)
		c.Copy(upper, 0)
		b.drawPane(c, l, pane)
	}
}

func (b *browse) drawList(c *Canvas, l *layout, base int) {
	if l.head != nil {
		c.Gap(3)
		l.head(c)
		c.End()
	}
	top := b.list.Lay(l.count, c.Left(), l.id)
	b.place = place{top: base + c.Rows(), first: top, rows: c.Left(), width: c.Width(), list: true, id: l.id}
	for i := top; i < l.count && c.Left() > 0; i++ {
		selected := i == b.list.index
		c.Gap(1)
		if selected {
			if !b.inPane {
				c.Row(Selected)
			} else {
				c.Row(Bold)
			}
			c.Put(Bold, c.Theme.Glyphs.Cursor)
		} else {
			c.Gap(1)
		}
		if len(b.order.marks) > 0 && b.order.marks[l.id(i)] {
			c.Put(Bold, c.Theme.Glyphs.Bullet)
		} else {
			c.Gap(1)
		}
		l.row(c, i, selected)
		c.End()
	}
}

func (b *browse) drawPane(c *Canvas, l *layout, height int) {
	title := l.name()
	mark := Bold
	if b.inPane && c.Room() > 40 {
		title += c.T("  (keys move here; {list.pane} returns)")
	}
	inner := c.Sub(2, c.Width()-2, paneRoom)
	l.pane(inner)
	body := height - 1
	var foot *Canvas
	if l.foot != nil {
		least := 1
		if l.need > 0 {
			least = 0
		}
		foot = c.Sub(1, c.Width()-2, max(body-least, 0))
		l.foot(foot)
		body -= foot.Rows()
	}
	b.more = max(inner.Rows()-body, 0)
	b.top = min(b.top, b.more)
	c.Rule(title, mark)
	for i := range body {
		if i == body-1 && b.top < b.more {
			c.Gap(1)
			c.Put(Faint, c.Theme.Glyphs.Down+" ")
			c.PutInt(Faint, b.more-b.top+1)
			c.Put(Faint, c.T(" more lines: {list.pane}, then {list.down}"))
			c.End()
			break
		}
		c.Gap(1)
		c.copyRow(inner, b.top+i)
		c.End()
	}
	for i := 0; foot != nil && i < foot.Rows(); i++ {
		c.Gap(1)
		c.copyRow(foot, i)
		c.End()
	}
}

func (b *browse) drawFilter(c *Canvas, l *layout) {
	c.Gap(1)
	switch {
	case b.typing:
		c.Put(Bold, c.T("filter: "))
		room := c.Room()
		b.edit.Draw(c.limit(room*3/5), true)
		c.release()
	case b.edit.Len() > 0:
		c.Put(Bold, c.T("filter: "))
		c.FieldMiddle(Plain, b.edit.Text(), min(Width(b.edit.Text()), c.Room()/2))
		if b.off {
			c.Put(Warn, c.T("off"))
		}
	default:
		c.Put(Plain, l.title)
	}
	c.Gap(2)
	if b.fault != nil {
		c.Put(Bad, faultText(c.Theme.Words, b.fault))
		c.Gap(2)
	}
	if l.count != l.total {
		c.PutInt(Plain, l.count)
		c.Put(Plain, c.T(" of "))
	}
	c.PutInt(Plain, l.total)
	if l.total == 1 {
		c.Put(Plain, c.T(" row"))
	} else {
		c.Put(Plain, c.T(" rows"))
	}
	b.drawOrder(c)
	if n := b.list.Unseen(); n > 0 {
		c.Gap(2)
		c.PutInt(Bold, n)
		c.Put(Bold, c.T(" new %s", c.Theme.Glyphs.Up))
	}
	if l.state != "" {
		c.Gap(2)
		c.Put(Faint, l.state)
	}
	c.End()
}

// limit narrows the row to n more cells until release.
func (c *Canvas) limit(n int) *Canvas {
	c.full = c.width
	c.width = min(c.Column()+n, c.width)
	return c
}

func (c *Canvas) release() { c.width = c.full }

// fact adds "label    value" to a pane, wrapped under the value.
func fact(c *Canvas, label, value string) {
	if value != "" {
		c.Field(Faint, label, labelWidth)
		c.Wrap(Plain, value, labelWidth+1)
	}
}

const labelWidth = 9

func itoa(n int) string { return strconv.Itoa(n) }

// base is the last part of a path.
func base(path string) string {
	if i := strings.LastIndexByte(path, '/'); i >= 0 && i+1 < len(path) {
		return path[i+1:]
	}
	return path
}

// Shown is how many rows passed the filter when the view was last drawn.
func (b *browse) Shown() int { return b.list.count }
