package view

import (
	"slices"
	"strings"
	"time"
)

// LogsView shows the gateway's log, redacted by the gateway. It follows the
// newest line until the reader moves up or pauses.
type LogsView struct {
	data *Data
	browse
	level              int
	paused             bool
	match              []uint64 // numbers of the lines that pass, oldest first
	scanned            uint64   // lines below this number have been looked at
	look               looking
	at                 uint64 // the selected line; follows while not paused
	top                uint64
	held               int // matches when the view was paused
	rows               int // rows in sight when last drawn
	folded             bool
	counts             []int         // while folded: how many lines alike each of match stands for
	since              time.Duration // only lines that are younger pass; 0: all
	choosing           bool          // the next key chooses it
	search             search
	linesAt, linesFrom int // row of the first line in sight, and its place in match
	marks              map[uint64]bool
	looked             time.Time // when a filter that is about time was last applied
	wrap               bool      // a line that is too long goes on in the next row
	rowsAt             []int     // while it does: the place in match of each row in sight
	page               int       // lines in sight when last drawn
	entry              logEntry
}

// NewLogs returns the view.
func NewLogs(d *Data) *LogsView {
	return &LogsView{data: d, level: 1, browse: browse{saved: &d.Filters, keys: lineKeys[:]}}
}

var levels = [...]string{"debug", "info", "warn", "error"} //nolint:gochecknoglobals // a constant table

func levelOf(name string) int {
	var i int
	switch name { // as they mostly are: the level is read for each of 100,000 lines
	case "DEBUG":
		return 0
	case "", "INFO":
		return 1
	case "WARN":
		return 2
	case "ERROR":
		return 3
	}
	switch name[0] | ' ' { // small letters
	case 'd':
	case 'i':
		i = 1
	case 'w':
		i = 2
	case 'e':
		i = 3
	default:
		return 1
	}
	if strings.EqualFold(name, levels[i]) || i == 2 && strings.EqualFold(name, "warning") {
		return i
	}
	return 1
}

// Captures reports whether typed text goes to the view.
func (v *LogsView) Captures() bool { return v.captures() || v.search.typing || v.choosing }

// Key takes typed text.
func (v *LogsView) Key(k Key) Action {
	if v.search.typing {
		return v.searchKey(k)
	}
	if v.choosing {
		v.chooseSpan(k)
		return Action{}
	}
	before := v.parsed
	if v.key(k); v.parsed != before {
		v.rescan()
	}
	return Action{}
}

// Do answers an action.
func (v *LogsView) Do(a ID) (Action, bool) {
	switch a { // what is about the lines that pass
	case ActPause, ActBottom, ActMatchNext, ActMatchPrevious, ActMarkRow, ActUp, ActDown, ActPageUp, ActPageDown, ActTop:
		v.settle()
	default:
	}
	switch a {
	case ActPause:
		if v.paused {
			v.follow()
		} else {
			v.pause()
		}
	case ActBottom:
		v.follow()
	case ActLevel:
		v.level = (v.level + 1) % len(levels)
		v.rescan()
	case ActFilterOff:
		v.do(a, nil)
		v.rescan()
	case ActSince:
		v.choosing = true
	case ActFoldAlike:
		v.fold()
	case ActSearch:
		v.search.typing = true
	case ActMatchNext:
		return v.seek(1), true
	case ActMatchPrevious:
		return v.seek(-1), true
	case ActMarkRow:
		v.mark()
	case ActWrap:
		v.wrap = !v.wrap
	case ActRecord:
		v.entry.json, v.entry.top = !v.entry.json, 0
	case ActErrors:
		v.errors()
	case ActExport:
		return Action{Verb: VerbExport, Name: "log", Value: v.export()}, true
	case ActUp:
		v.move(-1)
	case ActDown:
		v.move(1)
	case ActPageUp, ActPageDown:
		v.turn(a == ActPageDown)
	case ActTop:
		v.move(-len(v.match))
	case ActFilter:
		v.typing, v.past.at = true, 0
	case ActOpen:
		v.full, v.entry.top = !v.full, 0
	case ActBack:
		switch {
		case v.search.on:
			v.endSearch()
		case v.full:
			v.full = false
		case len(v.marks) > 0:
			clear(v.marks)
		default:
			return Action{}, false
		}
	default:
		return Action{}, false
	}
	return Action{}, true
}

// export is every line that passes, as it stands in the log, the folded ones too.
func (v *LogsView) export() []byte {
	logs := v.data.Logs
	var out []byte
	for n := logs.First(); n < logs.Next(); n++ {
		line := logs.At(n)
		if !v.passes(line) {
			continue
		}
		out = append(append(out, orText(line.Raw, line.Message)...), '\n')
	}
	return out
}

func orText(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// Find shows the lines that hold a text.
func (v *LogsView) Find(text string) {
	v.browse.Find(text)
	v.level, v.since = 0, 0
	v.rescan()
}

func (v *LogsView) pause() { v.paused, v.held = true, len(v.match) }

func (v *LogsView) follow() {
	v.paused = false
	if v.folded {
		v.rescan() // what was kept apart while it stood still
	}
}

// move selects another line. Moving up pauses; moving onto the last line does
// not follow by itself: G does.
func (v *LogsView) move(by int) {
	if len(v.match) == 0 {
		return
	}
	if !v.paused {
		if by > 0 {
			return
		}
		v.pause()
	}
	i := min(max(v.index()+by, 0), len(v.match)-1)
	v.at, v.entry.top = v.match[i], 0
}

// index is the place of the selected line, or of the one after it when it was
// written over.
func (v *LogsView) index() int {
	i, _ := slices.BinarySearch(v.match, v.at)
	return min(i, len(v.match)-1)
}

// Draw paints the view.
func (v *LogsView) Draw(c *Canvas) {
	v.scan()
	if !v.paused && len(v.match) > 0 {
		v.at = v.match[len(v.match)-1]
	}
	l := layout{total: v.data.Logs.Len(), count: len(v.match), title: c.T("the gateway's log, redacted"), state: levels[v.level] + "+  "}
	switch n := len(v.match) - v.held; {
	case !v.paused:
		l.state += c.T("following")
	case n > 0:
		l.state += c.T("paused, %s new %s ({list.bottom})", itoa(n), c.Theme.Glyphs.Down)
	default:
		l.state += c.T("paused")
	}
	if lost := v.data.Logs.First(); lost > 0 && v.data.Logs.Len() == MaxLogs {
		l.state += c.T(", %s older lines written over", itoa(int(min(lost, 1<<40))))
	}
	if v.since > 0 {
		l.state += "  " + c.T("since %s ago", string(AppendAge(nil, v.since)))
	}
	if v.folded {
		l.state += "  " + c.T("alike folded")
	}
	v.drawFilter(c, &l)
	v.drawSearch(c)
	v.drawSpans(c)
	if l.total == 0 {
		c.End()
		c.Line(Plain, c.T(" The log is empty. The gateway's lines show here as they are written, redacted."))
		return
	}
	if len(v.match) == 0 {
		c.End()
		if v.edit.Text() == onlyErrors && v.level < 3 && v.since == 0 {
			c.Line(Plain, c.T(" Nothing went wrong here since the screen was opened. {logs.errors} shows every line again."))
			return
		}
		c.Line(Plain, c.T(" No line passes the filter, the level and the time."))
		return
	}
	pane := v.entryRows(c)
	v.rows = max(c.Left()-pane, 1)
	v.drawLines(c)
	v.drawEntry(c, pane)
}

func (v *LogsView) drawLines(c *Canvas) {
	if v.full {
		return
	}
	if v.wrap {
		v.drawWrapped(c)
		return
	}
	at := v.index()
	v.page = v.rows
	top, _ := slices.BinarySearch(v.match, v.top)
	if !v.paused {
		top = len(v.match) - v.rows
	}
	top = min(top, at)
	top = max(top, at-v.rows+1, 0)
	v.top, v.linesAt, v.linesFrom = v.match[top], c.Rows(), top
	for i := range v.rows {
		if top+i >= len(v.match) {
			c.End()
			continue
		}
		v.line(c, top+i, top+i == at)
	}
}

func (v *LogsView) line(c *Canvas, i int, selected bool) {
	line, said := v.data.Logs.At(v.match[i]), v.lead(c, i, selected)
	c.Put(said, line.Message)
	c.Gap(2)
	c.Put(Faint, line.Text)
	c.End()
}

// lead draws what stands before the words of a line, and returns their style.
func (v *LogsView) lead(c *Canvas, i int, selected bool) (said Style) {
	line := v.data.Logs.At(v.match[i])
	c.Gap(1)
	if selected {
		c.Row(Selected)
		c.Put(Plain, c.Theme.Glyphs.Cursor)
	} else {
		c.Gap(1)
	}
	if len(v.marks) > 0 && v.marks[v.match[i]] {
		c.Put(Bold, c.Theme.Glyphs.Bullet)
	} else if _, hit := slices.BinarySearch(v.search.hits, v.match[i]); hit {
		said = Bold
		c.Put(Bold, "*")
	} else {
		c.Gap(1)
	}
	layout := time.TimeOnly
	if c.Width() >= wide {
		layout = "15:04:05.000"
	}
	c.Time(Faint, v.data.Local(line.Time), layout)
	c.Gap(1)
	style := Plain
	switch levelOf(line.Level) {
	case 2:
		style = Warn
	case 3:
		style = Bad
	}
	c.Field(style, line.Level, 5)
	if c.Width() >= 70 {
		c.Field(Faint, line.Source, 9)
	}
	if n := v.folds(i); n > 1 {
		c.Put(Bold, "×")
		c.PutInt(Bold, n)
		c.Gap(1)
	}
	return said
}
