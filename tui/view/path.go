package view

import "strings"

// PathField is Field for a path or a host: what lies below home starts with
// "~", and what is too long is cut in the middle so that the last name stays
// whole. Text that is no path is cut as FieldMiddle cuts it.
func (c *Canvas) PathField(st Style, s, home string, width int) {
	end := c.Column() + width + 1
	width = min(width, c.Room())
	if !isPrintable(s) {
		s = Printable(s, MaxText)
	}
	if below(s, home) && width > 0 {
		c.put(st, "~", width)
		s, width = s[len(home):], width-1
	}
	last := s[max(strings.LastIndexByte(s, '/'), 0):]
	room := width - Width(last) - Width(c.Theme.Glyphs.More)
	if Width(s) <= width || room < 0 || last == s {
		c.FieldMiddle(st, s, width)
		c.To(end)
		return
	}
	c.put(st, firstCells(s, room), room)
	c.put(st, c.Theme.Glyphs.More, width)
	c.put(st, last, Width(last))
	c.To(end)
}

// below reports whether a path is home or lies in it.
func below(path, home string) bool {
	return len(home) > 1 && strings.HasPrefix(path, home) && (len(path) == len(home) || path[len(home)] == '/')
}

// tilde writes a path as a person would.
func tilde(path, home string) string {
	if below(path, home) {
		return "~" + path[len(home):]
	}
	return path
}
