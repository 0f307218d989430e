package view

import (
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Copy adds rows of another canvas from row top on, as many as fit.
func (c *Canvas) Copy(from *Canvas, top int) {
	for i := max(top, 0); i < len(from.rows) && c.Left() > 0; i++ {
		c.copyRow(from, i)
		c.End()
	}
}

func (c *Canvas) copyRow(from *Canvas, i int) {
	if i < 0 || i >= len(from.rows) {
		return
	}
	row := from.rows[i]
	if row.cells == 0 {
		return
	}
	for ; c.gap > 0; c.gap-- {
		c.buf = append(c.buf, ' ')
		c.col++
	}
	c.buf = append(c.buf, from.buf[row.from:row.to]...)
	c.col += row.cells
}

// Beside adds the rows of two canvases, the first at the left edge and the other at
// the right one, with a line before that. right starts at its row top.
func (c *Canvas) Beside(left, right *Canvas, top int) {
	for i := 0; c.Left() > 0; i++ {
		c.copyRow(left, i)
		c.To(c.width - right.width - 1)
		c.Put(Faint, c.Theme.Glyphs.Column)
		c.switchTo(Plain)
		if c.Room() >= right.width {
			c.copyRow(right, top+i)
		}
		c.End()
	}
}

// Wrap adds text over as many rows as it needs, each after the first indented,
// and ends the last.
func (c *Canvas) Wrap(st Style, s string, indent int) {
	if !isPrintable(s) {
		s = Printable(s, MaxText)
	}
	for s != "" && c.Left() > 0 {
		room := c.Room()
		if room <= 0 {
			if c.Column() <= indent {
				break
			}
			c.End()
			c.Gap(indent)
			continue
		}
		line := s
		if Width(s) > room {
			line = firstCells(s, room)
			if line == "" || !strings.HasPrefix(s, line) {
				break
			}
			if cut := lastBlank(line); cut > len(line)/2 && s[len(line)] != ' ' {
				line = line[:cut]
			} else if c.Column() > indent && oneWord(s, room, c.width-indent) {
				c.End() // it fits into a row of its own
				c.Gap(indent)
				continue
			} else if next, _ := utf8.DecodeRuneInString(s[len(line):]); strings.ContainsRune("），。；：、！？", next) {
				if _, last := utf8.DecodeLastRuneInString(line); last < len(line) {
					line = line[:len(line)-last] // no row begins with one of these
				}
			}
		}
		c.put(st, strings.TrimRight(line, " "), room)
		s = trimBlank(s[len(line):])
		if s != "" {
			c.End()
			c.Gap(indent)
		}
	}
	c.End()
}

// firstCells is the beginning of s that fits into n cells.
func firstCells(s string, n int) string {
	if n <= len(s) && isASCII(s[:n]) && (n == len(s) || s[n] < utf8.RuneSelf) {
		return s[:n]
	}
	return ansi.Truncate(s, n, "")
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// oneWord reports whether s begins with an ASCII word, such as an address, that is
// wider than room and not wider than row.
func oneWord(s string, room, row int) bool {
	n := strings.IndexByte(s, ' ')
	if n < 0 {
		n = len(s)
	}
	return n > room && n <= row && isASCII(s[:n])
}

func lastBlank(s string) int {
	for i := len(s) - 1; i > 0; i-- {
		if s[i] == ' ' {
			return i + 1
		}
	}
	for i := len(s) - 2; i > 0; i-- {
		if s[i] == '/' {
			return i + 1
		}
	}
	return 0
}

func trimBlank(s string) string {
	for s != "" && s[0] == ' ' {
		s = s[1:]
	}
	return s
}
