package view

import (
	"strings"

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

// Beside adds the rows of two canvases next to each other with a line between.
// right starts at its row top.
func (c *Canvas) Beside(left, right *Canvas, top int) {
	for i := 0; c.Left() > 0; i++ {
		c.copyRow(left, i)
		c.To(left.width)
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
			line = ansi.Truncate(s, room, "")
			if line == "" || !strings.HasPrefix(s, line) {
				break
			}
			if cut := lastBlank(line); cut > len(line)/2 && s[len(line)] != ' ' {
				line = line[:cut]
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
