package view

import (
	"slices"
	"strings"
	"time"
)

// spans are the times that a number from 1 on chooses; 0: everything.
var spans = [...]time.Duration{5 * time.Minute, 15 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour, 0} //nolint:gochecknoglobals // a constant table

// chooseSpan takes the key that chooses the time of the lines that pass. Every key that
// is no number of it, and what is pasted, leaves all as it was.
func (v *LogsView) chooseSpan(k Key) {
	v.choosing = false
	if k.Name != "" || k.Paste || len(k.Text) != 1 {
		return
	}
	if i := int(k.Text[0] - '1'); i >= 0 && i < len(spans) {
		v.since = spans[i]
		v.rescan()
	}
}

// Confirms reports whether the view itself says what each key does.
func (v *LogsView) Confirms() bool { return v.choosing }

// drawSpans is the row of the choice. The time in force is marked.
func (v *LogsView) drawSpans(c *Canvas) {
	if !v.choosing {
		return
	}
	c.Gap(1)
	c.Put(Bold, c.T("only the last: "))
	now := slices.Index(spans[:], v.since)
	for i, span := range spans {
		style, text := Plain, c.T("all")
		if span > 0 {
			text = strings.TrimSuffix(string(AppendAge(nil, span)), " 0m")
		}
		if i == now {
			style = Selected
		}
		c.Put(Bold, itoa(i+1))
		c.Gap(1)
		c.Put(style, text)
		c.Gap(2)
	}
	if room := c.T("any other key leaves"); c.Room() >= Width(room) {
		c.Put(Faint, room)
	}
	c.End()
}
