package pane

import (
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// print puts one character at the cursor.
func (e *Emulator) print(r rune) {
	if c := &e.cursor; r < 0x7f && c.charset[b2i(c.shifted)] {
		r = drawing(r)
	}
	width := 1
	if r >= 0x7f {
		switch {
		case r < 0xa0, unicode.Is(unicode.Cf, r), unicode.Is(unicode.Variation_Selector, r):
			return // controls, and what turns or joins the characters around it
		case unicode.Is(unicode.Mn, r), unicode.Is(unicode.Me, r):
			e.mark(r)
			return
		case !unicode.IsPrint(r):
			r = unicode.ReplacementChar
		}
		if width = ansi.StringWidth(string(r)); width != 1 && width != 2 {
			r, width = unicode.ReplacementChar, 1
		}
	}
	if width > e.columns {
		r, width = unicode.ReplacementChar, 1
	}
	c := &e.cursor
	if c.wrap && !e.noWrap || c.x+width > e.columns {
		if e.noWrap {
			c.x = e.columns - width
		} else {
			c.x = 0
			e.feed()
		}
	}
	c.wrap = false
	row := e.main[c.y]
	if e.insert {
		e.part(c.y, c.x)
		copy(row[c.x+width:], row[c.x:])
		e.part(c.y, e.columns-1)
	}
	e.part(c.y, c.x)
	e.part(c.y, c.x+width-1)
	row[c.x] = cell{char: r, style: c.style}
	if width == 2 {
		row[c.x+1] = cell{style: c.style}
	}
	if c.x+width < e.columns && row[c.x+width].char == 0 {
		row[c.x+width] = cell{char: ' ', style: row[c.x+width].style}
	}
	e.dirty[c.y] = true
	e.last = r
	if c.x += width; c.x >= e.columns {
		c.x, c.wrap = e.columns-1, true
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// part takes a wide character apart whose one half is written over.
func (e *Emulator) part(y, x int) {
	row := e.main[y]
	if x < 0 || x >= len(row) {
		return
	}
	if row[x].char == 0 && x > 0 {
		row[x-1].char, row[x-1].marks = ' ', [maxMarks]rune{}
		row[x].char = ' '
	}
	if wide(row[x].char) {
		row[x].char, row[x].marks = ' ', [maxMarks]rune{}
		if x+1 < len(row) {
			row[x+1].char = ' '
		}
	}
}

// mark puts a combining mark on the character before the cursor.
func (e *Emulator) mark(r rune) {
	x := e.cursor.x - 1
	if e.cursor.wrap {
		x = e.cursor.x
	}
	row := e.main[e.cursor.y]
	if x > 0 && row[x].char == 0 {
		x--
	}
	if x < 0 || row[x].char == ' ' {
		return
	}
	for i := range row[x].marks {
		if row[x].marks[i] == 0 {
			row[x].marks[i] = r
			e.dirty[e.cursor.y] = true
			return
		}
	}
}

// drawing is a character of the DEC special graphics set.
func drawing(r rune) rune {
	const set = "◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·"
	if r < '`' || r > '~' {
		return r
	}
	i := r - '`'
	for _, c := range set {
		if i == 0 {
			return c
		}
		i--
	}
	return r
}
