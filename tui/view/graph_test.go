package view

import (
	"testing"
	"time"
)

// A graph shows the quarter of an hour before now, the highest slot as the highest bar,
// and forgets what is older; nothing and one are told apart.
func TestGraph(t *testing.T) {
	now := time.Date(2026, 11, 22, 11, 30, 7, 0, time.UTC)
	var g Graph
	g.Add(now, now, 80)
	g.Add(now.Add(-graphSlot), now, 1)
	g.Add(now.Add(-3*graphSlot), now, 40)
	g.Add(now.Add(-61*graphSlot), now, 7) // too old
	g.Add(now.Add(time.Hour), now, 7)     // a clock that is ahead
	draw := func(ascii bool, at time.Time, width int) string {
		c := NewCanvas(NewTheme(false, ascii))
		c.Reset(80, 1)
		c.Graph(Plain, &g, at, width)
		c.Put(Plain, "|")
		c.End()
		return text(c)
	}
	if got := draw(false, now, 6); got != "▁▁▅▁▂█|" || g.Sum(now) != 121 {
		t.Errorf("%q, %d in all", got, g.Sum(now))
	}
	if got := draw(true, now, 6); got != "__=_.#|" {
		t.Errorf("in ASCII: %q", got)
	}
	if got := draw(false, now.Add(2*graphSlot), 6); got != "▅▁▂█▁▁|" {
		t.Errorf("half a minute later: %q", got)
	}
	if draw(false, now.Add(time.Hour), 6); g.Sum(now.Add(time.Hour)) != 0 {
		t.Errorf("an hour later there are %d", g.Sum(now.Add(time.Hour)))
	}
}
