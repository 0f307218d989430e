package view

import (
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Canvas is a rectangle that is drawn row by row, from the top. Put and the
// other drawing verbs add to the current row and clip at its end; End closes
// it. Rows past the height are dropped. No row has blanks at its end.
//
// A Canvas keeps its memory from frame to frame: drawing text that is ASCII
// allocates nothing. It is not safe for concurrent use.
type Canvas struct {
	Theme *Theme

	width, height int
	full          int // the real width while limit is in force
	buf           []byte
	rows          []canvasRow
	start         int // of the current row in buf
	col           int // cells written in the current row
	gap           int // blanks that the next text will need before it
	style         Style
	force         Style // of the whole row; Plain: none
	scratch       []byte
	subs          [3]*Canvas
}

type canvasRow struct{ from, to, cells int }

// NewCanvas returns a canvas of no size; Reset gives it one.
func NewCanvas(t *Theme) *Canvas { return &Canvas{Theme: t} }

// Reset empties the canvas and sets its size in cells.
func (c *Canvas) Reset(width, height int) {
	c.width, c.height = max(width, 0), max(height, 0)
	c.buf, c.rows = c.buf[:0], c.rows[:0]
	c.start, c.col, c.gap, c.style, c.force = 0, 0, 0, Plain, Plain
}

// Width is the number of cells of a row.
func (c *Canvas) Width() int { return c.width }

// Height is the number of rows.
func (c *Canvas) Height() int { return c.height }

// Left is the number of rows that can still be drawn.
func (c *Canvas) Left() int { return c.height - len(c.rows) }

// Room is the number of cells left in the current row.
func (c *Canvas) Room() int { return c.width - c.col - c.gap }

// Column is the cell at which the next text starts.
func (c *Canvas) Column() int { return c.col + c.gap }

// Sub returns one of the canvas's own scratch canvases, 0 to 2, with a size.
func (c *Canvas) Sub(i, width, height int) *Canvas {
	if c.subs[i] == nil {
		c.subs[i] = NewCanvas(c.Theme)
	}
	c.subs[i].Reset(width, height)
	return c.subs[i]
}

// Row sets a style for the whole of the current row; styles of its texts are
// then ignored. It ends with the row.
func (c *Canvas) Row(st Style) { c.force = st }

// Put adds text, clipped with an ellipsis at the end of the row.
func (c *Canvas) Put(st Style, s string) { c.put(st, s, c.Room()) }

// PutInt adds a number.
func (c *Canvas) PutInt(st Style, n int) {
	c.scratch = strconv.AppendInt(c.scratch[:0], int64(n), 10)
	c.putASCII(st, c.scratch, c.Room())
}

// Time adds t in layout, a layout of the time package that yields ASCII.
func (c *Canvas) Time(st Style, t time.Time, layout string) {
	c.scratch = t.AppendFormat(c.scratch[:0], layout)
	c.putASCII(st, c.scratch, c.Room())
}

// Age adds a duration such as "41s", "22m", "1h 12m" or "94d", at the right of
// width cells.
func (c *Canvas) Age(st Style, d time.Duration, width int) {
	c.scratch = AppendAge(c.scratch[:0], d)
	c.right(st, width)
}

// Left8 adds the time that is left, "0:48" or "1h 12m", at the right of eight
// cells.
func (c *Canvas) Left8(st Style, d time.Duration) {
	c.scratch = AppendLeft(c.scratch[:0], d)
	c.right(st, 8)
}

// Size adds a number of bytes such as "4.1 MB", at the right of width cells.
func (c *Canvas) Size(st Style, n int64, width int) {
	c.scratch = AppendSize(c.scratch[:0], n)
	c.right(st, width)
}

// Number adds n at the right of width cells.
func (c *Canvas) Number(st Style, n, width int) {
	c.scratch = strconv.AppendInt(c.scratch[:0], int64(n), 10)
	c.right(st, width)
}

// Count adds n at the right of width cells, in thousands or millions when it
// does not fit.
func (c *Canvas) Count(st Style, n, width int) {
	c.scratch = strconv.AppendInt(c.scratch[:0], int64(n), 10)
	for _, unit := range [2]byte{'k', 'M'} {
		if len(c.scratch) > width {
			n /= 1000
			c.scratch = append(strconv.AppendInt(c.scratch[:0], int64(n), 10), unit)
		}
	}
	c.right(st, width)
}

func (c *Canvas) right(st Style, width int) {
	c.Gap(width - len(c.scratch))
	c.putASCII(st, c.scratch, c.Room())
}

// Gap moves n cells on.
func (c *Canvas) Gap(n int) {
	if n > 0 {
		c.gap += n
	}
}

// To moves to a cell of the row, if it lies ahead.
func (c *Canvas) To(col int) { c.Gap(col - c.Column()) }

// Field adds text in exactly width cells and one blank after it: shorter text
// is followed by blanks, longer text ends in an ellipsis.
func (c *Canvas) Field(st Style, s string, width int) {
	end := c.Column() + width + 1
	c.put(st, s, min(width, c.Room()))
	c.To(end)
}

// FieldMiddle is Field that cuts in the middle: the end of a path or the port
// of an address stays in sight.
func (c *Canvas) FieldMiddle(st Style, s string, width int) {
	end := c.Column() + width + 1
	width = min(width, c.Room())
	if !isPrintable(s) {
		s = Printable(s, MaxText)
	}
	if over := Width(s) - width; over > 0 && width >= 12 {
		tail := width * 2 / 5
		c.put(st, firstCells(s, width-tail-1), width)
		c.put(st, c.Theme.Glyphs.More, width)
		c.put(st, lastCells(s, tail), tail)
	} else {
		c.put(st, s, width)
	}
	c.To(end)
}

// lastCells returns the end of s that fits into n cells.
func lastCells(s string, n int) string {
	cells, i := 0, len(s)
	for i > 0 {
		_, size := utf8.DecodeLastRuneInString(s[:i])
		w := Width(s[i-size : i])
		if cells+w > n {
			break
		}
		cells += w
		i -= size
	}
	return s[i:]
}

// Rule fills the row with a line, with a title in it when there is one.
func (c *Canvas) Rule(title string, st Style) {
	c.Gap(1)
	c.Put(Faint, c.Theme.Glyphs.Line)
	if title != "" {
		c.Put(Plain, " ")
		c.put(st, title, c.Room()-1)
		c.Put(Plain, " ")
	}
	c.enter(Faint)
	for c.Room() > 0 {
		c.buf = append(c.buf, c.Theme.Glyphs.Line...)
		c.col++
	}
	c.End()
}

// Line adds a whole row.
func (c *Canvas) Line(st Style, s string) {
	c.Put(st, s)
	c.End()
}

// End closes the row.
func (c *Canvas) End() {
	if c.style != Plain {
		c.buf = append(c.buf, "\x1b[m"...)
	}
	if len(c.rows) < c.height {
		c.rows = append(c.rows, canvasRow{c.start, len(c.buf), c.col})
	} else {
		c.buf = c.buf[:c.start]
	}
	c.start, c.col, c.gap, c.style, c.force = len(c.buf), 0, 0, Plain, Plain
}

// Down ends rows until row n is the current one.
func (c *Canvas) Down(n int) {
	for len(c.rows) < min(n, c.height) {
		c.End()
	}
}

// put adds at most limit cells of s.
func (c *Canvas) put(st Style, s string, limit int) {
	limit = min(limit, c.Room())
	if limit <= 0 || s == "" {
		return
	}
	if c.Theme.pure {
		s = asciiOf(s)
	}
	ascii := true
	for i := 0; i < len(s); i++ {
		if b := s[i]; b < 0x20 || b >= 0x7f {
			ascii = false
			break
		}
	}
	if ascii {
		cut := len(s) > limit
		if cut {
			s = s[:limit-1]
		}
		c.enter(st)
		c.buf = append(c.buf, s...)
		c.col += len(s)
		if cut {
			c.buf = append(c.buf, c.Theme.Glyphs.More...)
			c.col++
		}
		return
	}
	if isGlyph(s) {
		c.enter(st)
		c.buf = append(c.buf, s...)
		c.col++
		return
	}
	if !isPrintable(s) {
		s = Printable(s, MaxText)
	}
	w := ansi.StringWidth(s)
	if w > limit {
		s = ansi.Truncate(s, limit, c.Theme.Glyphs.More)
		w = ansi.StringWidth(s)
	}
	if w == 0 {
		return
	}
	c.enter(st)
	c.buf = append(c.buf, s...)
	c.col += w
}

// isGlyph reports whether s is one of the marks of a theme: a single character
// that takes one cell.
func isGlyph(s string) bool {
	if len(s) > 3 {
		return false
	}
	r, size := utf8.DecodeRuneInString(s)
	if size != len(s) {
		return false
	}
	switch r {
	case '›', '●', '○', '▲', '✓', '✗', '·', '─', '│', '┬', '…', '↑', '↓', '•', '→', '×':
		return true
	}
	return false
}

func (c *Canvas) putASCII(st Style, b []byte, limit int) {
	limit = min(limit, c.Room())
	if limit <= 0 || len(b) == 0 {
		return
	}
	c.enter(st)
	if len(b) > limit {
		c.buf = append(append(c.buf, b[:limit-1]...), c.Theme.Glyphs.More...)
		c.col += limit
		return
	}
	c.buf = append(c.buf, b...)
	c.col += len(b)
}

// enter writes the blanks that are due and switches to a style. The blanks of a
// row with a style of its own carry that style.
func (c *Canvas) enter(st Style) {
	switch {
	case c.force != Plain:
		st = c.force
		c.switchTo(st)
	case c.gap > 0:
		c.switchTo(Plain)
	}
	for ; c.gap > 0; c.gap-- {
		c.buf = append(c.buf, ' ')
		c.col++
	}
	c.switchTo(st)
}

func (c *Canvas) switchTo(st Style) {
	if c.Theme.sgr[st] == "" {
		st = Plain
	}
	if st == c.style {
		return
	}
	if c.style != Plain {
		c.buf = append(c.buf, "\x1b[m"...)
	}
	c.buf = append(c.buf, c.Theme.sgr[st]...)
	c.style = st
}

// Rows is the number of rows drawn so far.
func (c *Canvas) Rows() int { return len(c.rows) }

// AppendTo adds the rows to dst with a newline between each two.
func (c *Canvas) AppendTo(dst []byte) []byte {
	for i, row := range c.rows {
		if i > 0 {
			dst = append(dst, '\n')
		}
		dst = append(dst, c.buf[row.from:row.to]...)
	}
	return dst
}
