package view

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"openclaw/gateway/event"
)

// logEntry is the pane below the lines: all of the selected one.
type logEntry struct {
	json  bool // as JSON
	top   int  // first row in sight, while it lies over the whole screen
	more  int  // rows below the sight
	of    uint64
	lines []string // the JSON of line number of

	before lookAt // what was in sight before the errors alone were
}

// entryRows is how high the pane stands.
func (v *LogsView) entryRows(c *Canvas) int {
	switch {
	case v.full:
		return c.Left()
	case v.entry.json:
		return max(c.Left()/2, 4)
	case c.Left() < 16:
		return 4
	}
	return 5
}

// turn moves on by a page: of the entry where that lies over the screen and is longer,
// of the lines otherwise.
func (v *LogsView) turn(down bool) {
	by := max(v.page-1, 1)
	if v.full && (v.entry.more > 0 || v.entry.top > 0) {
		by = 10
	}
	if !down {
		by = -by
	}
	if v.full && (v.entry.more > 0 || v.entry.top > 0) {
		v.entry.top = min(max(v.entry.top+by, 0), v.entry.top+v.entry.more)
		return
	}
	v.move(by)
}

func (v *LogsView) drawEntry(c *Canvas, height int) {
	line := v.data.Logs.At(v.match[v.index()])
	inner := c.Sub(2, c.Width()-2, paneRoom)
	if v.entry.json {
		for _, text := range v.jsonLines(v.match[v.index()], line) {
			said := strings.TrimLeft(text, " ")
			inner.Gap(len(text) - len(said))
			inner.Wrap(Plain, said, len(text)-len(said)+2)
		}
	} else {
		v.entryText(inner, line)
	}
	c.Rule(c.T("entry %s", v.data.Local(line.Time).Format(time.DateTime)), Bold)
	v.entry.more = max(inner.Rows()-(height-1), 0)
	v.entry.top = min(v.entry.top, v.entry.more)
	v.entry.more -= v.entry.top
	for i := range height - 1 {
		c.Gap(1)
		switch {
		case i < height-2 || v.entry.more == 0:
			c.copyRow(inner, v.entry.top+i)
		case v.full:
			c.Put(Faint, c.T("%s %s more lines: {list.page_down}", c.Theme.Glyphs.Down, itoa(v.entry.more+1)))
		default:
			c.Put(Faint, c.T("%s %s more lines: {list.open}", c.Theme.Glyphs.Down, itoa(v.entry.more+1)))
		}
		c.End()
	}
}

func (v *LogsView) entryText(c *Canvas, line *event.LogLine) {
	c.Put(Bold, line.Level+" ")
	c.Put(Plain, line.Source+": ")
	c.Wrap(Plain, line.Message, 0)
	if n := v.folds(v.index()); n > 1 {
		c.Line(Faint, c.T("the newest of %s alike, one after the other; {logs.fold} unfolds them", c.N(n, "line")))
	}
	if v.full {
		for pair := range strings.FieldsSeq(line.Text) {
			c.Gap(2)
			c.Wrap(Plain, pair, 4)
		}
		c.End()
	}
	c.Wrap(Faint, line.Raw, 0)
}

// jsonLines are the lines of a record as JSON: as it stands in the file where that is
// JSON, and else what the copy as JSON holds.
func (v *LogsView) jsonLines(n uint64, line *event.LogLine) []string {
	if e := &v.entry; e.lines != nil && e.of == n {
		return e.lines
	}
	var out bytes.Buffer
	if trimmed := strings.TrimSpace(line.Raw); !strings.HasPrefix(trimmed, "{") || json.Indent(&out, []byte(trimmed), "", "  ") != nil {
		out.Reset()
		write := json.NewEncoder(&out)
		write.SetEscapeHTML(false)
		write.SetIndent("", "  ")
		if write.Encode(line) != nil {
			return nil // strings and a time: it cannot fail
		}
	}
	v.entry.of, v.entry.lines = n, strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
	return v.entry.lines
}

// drawWrapped draws the lines whole: one that is too long for a row goes on in the next.
// The selected line is always in sight.
func (v *LogsView) drawWrapped(c *Canvas) {
	at := v.index()
	top, _ := slices.BinarySearch(v.match, v.top)
	if !v.paused {
		top = 0
	}
	first, left := at, v.rows-v.wrapped(c, at).Rows()
	for first > min(top, at) {
		rows := v.wrapped(c, first-1).Rows()
		if rows > left {
			break
		}
		first, left = first-1, left-rows
	}
	v.top, v.linesAt, v.linesFrom, v.page, v.rowsAt = v.match[first], c.Rows(), first, 0, v.rowsAt[:0]
	end := c.Rows() + v.rows
	for i := first; i < len(v.match) && c.Rows() < end; i++ {
		v.page++
		one := v.wrapped(c, i)
		for row := 0; row < one.Rows() && c.Rows() < end; row++ {
			v.rowsAt = append(v.rowsAt, i)
			c.copyRow(one, row)
			c.End()
		}
	}
	c.Down(end)
}

// wrapped is a line in as many rows as it needs, as far as there is room for them.
func (v *LogsView) wrapped(c *Canvas, i int) *Canvas {
	one := c.Sub(0, c.Width(), v.rows)
	said, line := v.lead(one, i, i == v.index()), v.data.Logs.At(v.match[i])
	if i == v.index() {
		said = Selected
	}
	text := line.Message
	if line.Text != "" {
		text += "  " + line.Text
	}
	one.Wrap(said, text, one.Column())
	return one
}

// fromScreen is the source of the lines that the screen itself adds: what went wrong
// here.
const fromScreen = "screen"

// Fault keeps what went wrong on this screen among the lines of the log.
func (d *Data) Fault(text string) { d.own("ERROR", text) }

// Mended says there that it is over.
func (d *Data) Mended(text string) { d.own("INFO", text) }

func (d *Data) own(level, text string) {
	d.Logs.Push(event.LogLine{Time: d.Now, Level: level, Source: fromScreen, Message: text})
}

const onlyErrors = "src:" + fromScreen

// errors shows only what went wrong on this screen, or what was in sight before.
func (v *LogsView) errors() {
	if v.edit.Text() != onlyErrors {
		v.entry.before = lookAt{v.edit.Text(), v.level, v.since}
		v.Find(onlyErrors)
		return
	}
	was := v.entry.before
	v.Find(was.filter)
	if v.level, v.since = was.level, was.since; was == (lookAt{}) {
		v.level = 1
	}
}

// lookAt is which lines are in sight.
type lookAt struct {
	filter string
	level  int
	since  time.Duration
}
