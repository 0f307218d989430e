package pane

import (
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/ansi/parser"
)

// MaxRows is how many rows a terminal has at most.
const MaxRows = 300

// Further bounds of a terminal, in cells and lines.
const (
	maxColumns = 500
	maxHistory = 2000
	maxReplies = 4096 // bytes of answers that wait to be fetched
	maxMarks   = 2    // combining marks on one letter
)

// Cell is one character of a terminal. A wide one takes two cells, the second of
// which has no character.
type cell struct {
	char  rune // 0: the second half of a wide one
	marks [maxMarks]rune
	style Style
}

type line []cell

// cursor is where the next character goes, and how it looks.
type cursor struct {
	x, y    int
	style   Style
	origin  bool    // rows count from the top of the region
	wrap    bool    // the next character goes to the next row
	charset [2]bool // G0 and G1 are the line drawing characters
	shifted bool    // G1 is in use
}

// Emulator is a terminal of the xterm kind without a screen: it takes what a
// program writes and holds what a person would see. It follows ECMA-48 and, for
// private modes, xterm's control sequences.
type Emulator struct {
	columns, rows int
	main, other   []line // other: the screen that is not in sight
	alternate     bool
	history       [][]Span // lines that left at the top of the main screen
	above         uint64   // how many ever did
	cursor        cursor
	saved         [2]cursor // of the main and the alternate screen
	top, bottom   int       // the region that scrolls; bottom is its last row
	tabs          []bool
	insert        bool
	noWrap        bool
	hidden        bool // the cursor
	keysApp       bool // arrow keys send SS3
	paste         bool // pasted text is put in brackets
	last          rune // for the sequence that repeats it
	parser        *ansi.Parser
	replies       []byte
	dirty         []bool
}

// NewEmulator returns an empty terminal.
func NewEmulator(columns, rows int) *Emulator {
	e := &Emulator{parser: ansi.NewParser()}
	e.parser.SetDataSize(64) // what it would hold is dropped
	e.parser.SetHandler(ansi.Handler{
		Print: e.print, Execute: e.control, HandleCsi: e.csi, HandleEsc: e.escape,
	})
	e.columns, e.rows = clamp(columns, 1, maxColumns), clamp(rows, 1, MaxRows)
	e.reset()
	return e
}

func clamp(n, least, most int) int { return max(least, min(n, most)) }

// reset is what the program may ask for, too; the history stays.
func (e *Emulator) reset() {
	e.main, e.other = e.blank(e.rows), e.blank(e.rows)
	e.alternate, e.insert, e.noWrap, e.hidden, e.keysApp, e.paste = false, false, false, false, false, false
	e.cursor, e.saved, e.last = cursor{style: Default}, [2]cursor{{style: Default}, {style: Default}}, 0
	e.top, e.bottom = 0, e.rows-1
	e.tabs = make([]bool, e.columns)
	for x := 8; x < e.columns; x += 8 {
		e.tabs[x] = true
	}
	e.touchAll()
}

func (e *Emulator) blank(rows int) []line {
	lines := make([]line, rows)
	for y := range lines {
		lines[y] = make(line, e.columns)
		wipe(lines[y], Default)
	}
	return lines
}

// wipe makes cells empty; they keep the background.
func wipe(cells line, style Style) {
	empty := cell{char: ' ', style: Style{Front: DefaultColour, Back: style.Back}}
	for i := range cells {
		cells[i] = empty
	}
}

func (e *Emulator) touchAll() {
	e.dirty = make([]bool, e.rows)
	for y := range e.dirty {
		e.dirty[y] = true
	}
}

// Resize gives the terminal another size. Rows that no longer fit leave at the
// top, as far as the cursor needs; nothing is wrapped anew.
func (e *Emulator) Resize(columns, rows int) {
	columns, rows = clamp(columns, 1, maxColumns), clamp(rows, 1, MaxRows)
	if columns == e.columns && rows == e.rows {
		return
	}
	gone := max(e.cursor.y-rows+1, 0)
	if !e.alternate {
		for _, l := range e.main[:gone] {
			e.keep(l)
		}
	}
	e.main = fit(e.main[gone:], columns, rows)
	e.other = fit(e.other[max(min(e.saved[0].y, len(e.other)-1)-rows+1, 0):], columns, rows)
	e.columns, e.rows = columns, rows
	e.cursor.x, e.cursor.y, e.cursor.wrap = min(e.cursor.x, columns-1), e.cursor.y-gone, false
	for i := range e.saved {
		e.saved[i].x, e.saved[i].y, e.saved[i].wrap = min(e.saved[i].x, columns-1), min(e.saved[i].y, rows-1), false
	}
	e.top, e.bottom = 0, rows-1
	tabs := make([]bool, columns)
	for x := copy(tabs, e.tabs); x < columns; x++ {
		tabs[x] = x%8 == 0
	}
	e.tabs = tabs
	e.touchAll()
}

func fit(lines []line, columns, rows int) []line {
	out := make([]line, rows)
	for y := range out {
		out[y] = make(line, columns)
		from := 0
		if y < len(lines) {
			from = copy(out[y], lines[y])
		}
		wipe(out[y][from:], Default)
		if last := &out[y][columns-1]; from == columns && columns > 0 && wide(last.char) {
			*last = cell{char: ' ', style: last.style} // its other half is gone
		}
	}
	return out
}

func wide(r rune) bool { return r >= 0x1100 && ansi.StringWidth(string(r)) == 2 }

// keep puts a line that leaves the screen into the history.
func (e *Emulator) keep(l line) {
	if len(e.history) == maxHistory {
		e.history = append(e.history[:0], e.history[maxHistory/4:]...)
	}
	e.history = append(e.history, spans(l))
	e.above++
}

// Write takes what a program wrote. It never fails.
func (e *Emulator) Write(p []byte) (int, error) {
	for _, b := range p {
		if b >= 0x20 && b < 0x7f && e.parser.State() == parser.GroundState {
			e.print(rune(b))
			continue
		}
		e.parser.Advance(b)
	}
	return len(p), nil
}

// Replies are the answers to what the program asked its terminal, to be given to
// it as if they were typed. They are few and fixed: where the cursor is, and what
// kind of terminal this is.
func (e *Emulator) Replies() []byte {
	out := e.replies
	e.replies = nil
	return out
}

func (e *Emulator) reply(s string) {
	if len(e.replies)+len(s) <= maxReplies {
		e.replies = append(e.replies, s...)
	}
}

// feed moves the cursor down, and the region up where it stands at its end.
func (e *Emulator) feed() {
	switch c := &e.cursor; {
	case c.y == e.bottom:
		e.scroll(e.top, 1)
	case c.y < e.rows-1:
		c.y++
	}
}

// back moves the cursor up, and the region down where it stands at its top.
func (e *Emulator) back() {
	switch c := &e.cursor; {
	case c.y == e.top:
		e.scroll(e.top, -1)
	case c.y > 0:
		c.y--
	}
}

// scroll moves the rows from `from` to the end of the region up by n, or down by
// -n. What leaves at the top of the main screen becomes history.
func (e *Emulator) scroll(from, n int) {
	size := e.bottom - from + 1
	if size <= 0 {
		return
	}
	n = clamp(n, -size, size)
	rows := e.main[from : e.bottom+1]
	switch {
	case n > 0:
		free := make([]line, n)
		copy(free, rows[:n])
		for _, l := range free {
			if from == 0 && e.top == 0 && !e.alternate {
				e.keep(l)
			}
			wipe(l, e.cursor.style)
		}
		copy(rows, rows[n:])
		copy(rows[size-n:], free)
	case n < 0:
		free := make([]line, -n)
		copy(free, rows[size+n:])
		for _, l := range free {
			wipe(l, e.cursor.style)
		}
		copy(rows[-n:], rows[:size+n])
		copy(rows, free)
	}
	for y := from; y <= e.bottom; y++ {
		e.dirty[y] = true
	}
}

// control obeys a control character.
func (e *Emulator) control(b byte) {
	c := &e.cursor
	switch b {
	case '\b':
		c.x, c.wrap = max(c.x-1, 0), false
	case '\t':
		e.tab(1)
	case '\n', '\v', '\f', 0x84: // IND
		e.feed()
		c.wrap = false
	case '\r':
		c.x, c.wrap = 0, false
	case 0x0e:
		c.shifted = true
	case 0x0f:
		c.shifted = false
	case 0x85: // NEL
		c.x, c.wrap = 0, false
		e.feed()
	case 0x88: // HTS
		e.tabs[c.x] = true
	case 0x8d: // RI
		e.back()
	}
}

func (e *Emulator) tab(n int) {
	c := &e.cursor
	c.wrap = false
	for step := 1; n != 0; n -= step {
		if n < 0 {
			step = -1
		}
		x := c.x + step
		for x > 0 && x < e.columns-1 && !e.tabs[x] {
			x += step
		}
		if c.x = clamp(x, 0, e.columns-1); c.x == 0 || c.x == e.columns-1 {
			return
		}
	}
}
