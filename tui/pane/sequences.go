package pane

import (
	"fmt"

	"github.com/charmbracelet/x/ansi"
)

// escape obeys a sequence of ESC and one or two characters.
func (e *Emulator) escape(cmd ansi.Cmd) {
	c := &e.cursor
	switch cmd.Intermediate() {
	case '(', ')':
		if set := cmd.Final(); set == '0' || set == 'B' || set == 'A' || set == '1' || set == '2' {
			c.charset[b2i(cmd.Intermediate() == ')')] = set == '0'
		}
		return
	case '#':
		if cmd.Final() == '8' {
			for y := range e.main {
				for x := range e.main[y] {
					e.main[y][x] = cell{char: 'E', style: Default}
				}
			}
			e.touchAll()
		}
		return
	case 0:
	default:
		return
	}
	switch cmd.Final() {
	case '7':
		e.saved[b2i(e.alternate)] = *c
	case '8':
		*c = e.saved[b2i(e.alternate)]
	case 'D':
		e.control(0x84)
	case 'E':
		e.control(0x85)
	case 'H':
		e.control(0x88)
	case 'M':
		e.control(0x8d)
	case 'c':
		e.reset()
	}
}

// number is a parameter; 0 and none are def.
func number(params ansi.Params, i, def int) int {
	n, _, ok := params.Param(i, def)
	if !ok || n <= 0 {
		return def
	}
	return min(n, 9999)
}

// csi obeys a control sequence.
func (e *Emulator) csi(cmd ansi.Cmd, params ansi.Params) {
	switch {
	case cmd.Prefix() == '?' && cmd.Intermediate() == 0:
		if final := cmd.Final(); final == 'h' || final == 'l' {
			params.ForEach(0, func(_, mode int, _ bool) { e.private(mode, final == 'h') })
		}
		return
	case cmd.Prefix() == '>' && cmd.Intermediate() == 0 && cmd.Final() == 'c':
		e.reply("\x1b[>0;0;0c")
		return
	case cmd.Intermediate() == '!' && cmd.Prefix() == 0 && cmd.Final() == 'p':
		e.softReset()
		return
	case cmd.Prefix() != 0 || cmd.Intermediate() != 0:
		return
	}
	if !e.move(cmd.Final(), params) {
		e.change(cmd.Final(), params)
	}
}

func (e *Emulator) softReset() {
	e.insert, e.noWrap, e.hidden, e.keysApp = false, false, false, false
	e.top, e.bottom = 0, e.rows-1
	e.cursor.style, e.cursor.origin, e.cursor.charset, e.cursor.shifted = Default, false, [2]bool{}, false
}

// to moves the cursor; rows count from the region's top where the program said so.
func (e *Emulator) to(x, y int) {
	c := &e.cursor
	least, most := 0, e.rows-1
	if c.origin {
		least, most = e.top, e.bottom
		y += e.top
	}
	c.x, c.y, c.wrap = clamp(x, 0, e.columns-1), clamp(y, least, most), false
}

// up and down stop at the edge of the region, from inside it.
func (e *Emulator) vertical(n int) {
	c := &e.cursor
	least, most := 0, e.rows-1
	if c.y >= e.top {
		least = e.top
	}
	if c.y <= e.bottom {
		most = e.bottom
	}
	c.y, c.wrap = clamp(c.y+n, least, most), false
}

// move obeys what only moves the cursor, and reports whether it was that.
func (e *Emulator) move(final byte, params ansi.Params) bool {
	c, n := &e.cursor, number(params, 0, 1)
	row := c.y
	if c.origin {
		row -= e.top
	}
	switch final {
	case 'A':
		e.vertical(-n)
	case 'B', 'e':
		e.vertical(n)
	case 'C', 'a':
		c.x, c.wrap = min(c.x+n, e.columns-1), false
	case 'D':
		c.x, c.wrap = max(c.x-n, 0), false
	case 'E':
		e.vertical(n)
		c.x = 0
	case 'F':
		e.vertical(-n)
		c.x = 0
	case 'G', '`':
		c.x, c.wrap = clamp(n-1, 0, e.columns-1), false
	case 'd':
		e.to(c.x, n-1)
	case 'H', 'f':
		e.to(number(params, 1, 1)-1, n-1)
	case 'I':
		e.tab(min(n, e.columns))
	case 'Z':
		e.tab(-min(n, e.columns))
	case 's':
		e.saved[b2i(e.alternate)] = *c
	case 'u':
		*c = e.saved[b2i(e.alternate)]
	case 'r':
		top, bottom := number(params, 0, 1)-1, min(number(params, 1, e.rows), e.rows)-1
		if top < bottom {
			e.top, e.bottom = top, bottom
			e.to(0, 0)
		}
	case 'n':
		switch number(params, 0, 0) {
		case 5:
			e.reply("\x1b[0n")
		case 6:
			e.reply(fmt.Sprintf("\x1b[%d;%dR", row+1, c.x+1))
		}
	case 'c':
		if number(params, 0, 0) == 0 {
			e.reply("\x1b[?62;22c") // a VT220 with colours
		}
	default:
		return false
	}
	return true
}

// change obeys what changes cells or modes.
func (e *Emulator) change(final byte, params ansi.Params) {
	c, n := &e.cursor, number(params, 0, 1)
	mode, _, _ := params.Param(0, 0)
	row := e.main[c.y]
	e.dirty[c.y] = true
	switch final {
	case 'J':
		switch mode {
		case 0:
			e.erase(c.y, c.x, e.columns)
			e.eraseRows(c.y+1, e.rows)
		case 1:
			e.erase(c.y, 0, c.x+1)
			e.eraseRows(0, c.y)
		case 2:
			e.eraseRows(0, e.rows)
		case 3:
			e.history = nil
		}
	case 'K':
		switch mode {
		case 0:
			e.erase(c.y, c.x, e.columns)
		case 1:
			e.erase(c.y, 0, c.x+1)
		case 2:
			e.erase(c.y, 0, e.columns)
		}
	case 'X':
		e.erase(c.y, c.x, min(c.x+n, e.columns))
	case '@', 'P':
		n = min(n, e.columns-c.x)
		e.part(c.y, c.x)
		if final == '@' {
			copy(row[c.x+n:], row[c.x:])
			e.erase(c.y, c.x, c.x+n)
			e.mend(c.y)
			break
		}
		copy(row[c.x:], row[c.x+n:])
		wipe(row[e.columns-n:], c.style)
		e.mend(c.y)
	case 'L', 'M':
		if c.y < e.top || c.y > e.bottom {
			break
		}
		if final == 'L' {
			n = -n
		}
		above := e.alternate
		e.alternate = true // what is deleted is not history
		e.scroll(c.y, n)
		e.alternate = above
		c.x, c.wrap = 0, false
	case 'S':
		e.scroll(e.top, n)
	case 'T':
		e.scroll(e.top, -n)
	case 'b':
		for range min(n, e.columns*e.rows) {
			if e.last == 0 {
				break
			}
			e.print(e.last)
		}
	case 'g':
		switch mode {
		case 0:
			e.tabs[c.x] = false
		case 3:
			clear(e.tabs)
		}
	case 'h', 'l':
		if mode == 4 {
			e.insert = final == 'h'
		}
	case 'm':
		c.style.set(params)
	}
}

// mend takes wide characters apart that lost a half at the ends of a row.
func (e *Emulator) mend(y int) {
	row := e.main[y]
	for x := range row {
		switch {
		case row[x].char == 0 && (x == 0 || !wide(row[x-1].char)):
			row[x].char = ' '
		case wide(row[x].char) && (x+1 == len(row) || row[x+1].char != 0):
			row[x].char, row[x].marks = ' ', [maxMarks]rune{}
		}
	}
}

func (e *Emulator) erase(y, from, to int) {
	e.part(y, from)
	e.part(y, to-1)
	wipe(e.main[y][from:to], e.cursor.style)
	e.dirty[y] = true
	e.cursor.wrap = false
}

func (e *Emulator) eraseRows(from, to int) {
	for y := from; y < to; y++ {
		e.erase(y, 0, e.columns)
	}
}

// private sets a private mode of DEC or xterm.
func (e *Emulator) private(mode int, on bool) {
	switch mode {
	case 1:
		e.keysApp = on
	case 6:
		e.cursor.origin = on
		e.to(0, 0)
	case 7:
		e.noWrap = !on
	case 25:
		e.hidden = !on
		e.dirty[e.cursor.y] = true
	case 47, 1047:
		e.swap(on, false)
	case 1048:
		if on {
			e.saved[0] = e.cursor
		} else {
			e.cursor = e.saved[0]
		}
	case 1049:
		e.swap(on, true)
	case 2004:
		e.paste = on
	}
}

// swap shows the alternate screen, empty, or the main one again.
func (e *Emulator) swap(alternate, save bool) {
	if alternate == e.alternate {
		return
	}
	if alternate && save {
		e.saved[0] = e.cursor
	}
	e.main, e.other, e.alternate = e.other, e.main, alternate
	if alternate {
		for y := range e.main {
			wipe(e.main[y], Default)
		}
	} else if save {
		e.cursor = e.saved[0]
	}
	e.cursor.wrap = false
	e.touchAll()
}
