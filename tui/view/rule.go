package view

import (
	"slices"
	"strings"
)

// value is the line of the file that says what is allowed: the last that is added.
func (p *Preview) value() string {
	for _, line := range slices.Backward(p.Lines) {
		if text, added := strings.CutPrefix(line, "+"); added {
			return strings.TrimSpace(text)
		}
	}
	return ""
}

// same reports whether two previews write the same in the same place.
func (p *Preview) same(q *Preview) bool {
	return p.Problem == "" && p.Where == q.Where && p.List == q.List && slices.Equal(p.Lines, q.Lines)
}

// maxRule bounds the rows that one rule is drawn in.
const maxRule = 200

// drawRule shows what "always" writes: where, and every line of the file that
// changes. keep is how many rows must stay for what follows; what does not fit is
// counted, and then a opens it over the whole screen instead of asking.
func (v *DenialsView) drawRule(c *Canvas, p *Preview, keep int) {
	c.Put(Bold, p.Where)
	c.Gap(2)
	c.FieldMiddle(Faint, p.List, max(c.Room(), 0))
	c.End()
	lines := c.Sub(0, c.Width(), maxRule)
	indent := commonIndent(p.Lines)
	for _, line := range p.Lines {
		style := Good
		if line[0] == '-' {
			style = Bad
		}
		text := line[1+indent:]
		lines.Put(style, line[:1])
		lines.Gap(1 + len(text) - len(strings.TrimLeft(text, " ")))
		lines.Wrap(style, strings.TrimLeft(text, " "), 2)
	}
	room := c.Left() - keep
	shown := lines.Rows()
	v.ask.cut = shown > room
	if v.ask.cut {
		shown = max(room-1, 0)
	}
	for i := range shown {
		c.copyRow(lines, i)
		c.End()
	}
	switch {
	case v.ask.cut && v.full:
		c.Line(Bold, c.T("%s more lines: openclaw allow --preview shows all", itoa(lines.Rows()-shown)))
	case v.ask.cut:
		c.Line(Bold, c.T("%s more lines: {list.open} shows all", itoa(lines.Rows()-shown)))
	}
}

// commonIndent is how many blanks all lines have after their mark.
func commonIndent(lines []string) int {
	indent := -1
	for _, line := range lines {
		if n := len(line) - 1 - len(strings.TrimLeft(line[1:], " ")); indent < 0 || n < indent {
			indent = n
		}
	}
	return max(indent, 0)
}

// ruleRows is how many rows the foot of the pane needs for the rule that is
// shown; 0: none is.
func (v *DenialsView) ruleRows() int {
	a := v.selectedAsk()
	if a == nil || v.data.ReadOnly || v.scope(a) != scopeAlways || len(scopes(a)) == 0 {
		return 0
	}
	const others = 5 // how far it goes in two rows, where, what else it matches, the keys
	return len(v.data.Previews[PreviewKey{a.ID, v.match(a)}].Lines) + others
}
