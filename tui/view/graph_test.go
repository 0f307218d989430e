package view

import (
	"testing"
	"time"

	"openclaw/gateway/event"
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

// What 95 of 100 stay within is at most a sixteenth too high and never too low, whatever
// the times are; what is older than a quarter of an hour is forgotten.
func TestLatency(t *testing.T) {
	now := time.Date(2026, 11, 22, 11, 30, 7, 0, time.UTC)
	for ms := 1; ms < 1<<19; ms += 1 + ms/7 {
		if got := latencyOf(latencyStep(ms)); got < ms || got-ms > ms/16 {
			t.Fatalf("%d ms is kept as %d", ms, got)
		}
		if step := latencyStep(ms); latencyStep(ms+1) != step && latencyStep(ms+1) != step+1 {
			t.Fatalf("the step after that of %d ms is left out", ms)
		}
	}
	var l Latency
	if l.All(now) != 0 {
		t.Error("there is something in nothing")
	}
	for i := range 100 {
		l.Took(100+i/95*4000, now.Add(-time.Minute), now) // five of them take 4.1 s
	}
	if got := l.All(now); got < 100 || got > 106 {
		t.Errorf("95 of 100 take 100 ms: %d", got)
	}
	l.Took(4000, now, now)
	if got := l.All(now); got < 4000 || got > 4250 {
		t.Errorf("95 of 101 do not: %d", got)
	}
	if got := l.counts[l.newest%graphSlots]; got < 4000 || got > 4250 {
		t.Errorf("the newest slot says %d", got)
	}
	l.Took(1<<40, now, now)
	l.Took(-5, now, now)
	l.Took(10, now.Add(-time.Hour), now)
	if got := l.All(now.Add(14*time.Minute + 10*time.Second)); got < 4000 {
		t.Errorf("a quarter of an hour later: %d", got)
	}
	if got := l.All(now.Add(16 * time.Minute)); got != 0 {
		t.Errorf("later: %d", got)
	}
	l.Took(50, now.Add(16*time.Minute), now.Add(16*time.Minute))
	if got := l.All(now.Add(-time.Hour)); got != 0 {
		t.Errorf("a clock that was set back: %d", got)
	}
}

// A request is one whose connection is first heard of, however often that is told, and
// its first byte is taken once.
func TestRequestsAreGraphed(t *testing.T) {
	d := NewData()
	d.Now = time.Date(2026, 11, 22, 11, 30, 7, 0, time.UTC)
	row := event.Connection{ID: "r1", Kind: "http", State: "open", Opened: d.Now.Add(-5 * time.Second)}
	d.LoadConnections([]event.Connection{row, {ID: "s", Kind: "unix", Opened: d.Now}})
	d.Apply(&event.Event{Connection: &row})
	row.FirstMS = 200
	d.Apply(&event.Event{Connection: &row})
	row.State, row.Closed = "closed", d.Now
	d.Apply(&event.Event{Connection: &row})
	d.LoadConnections([]event.Connection{row}) // after a reconnect
	if d.RequestGraph.Sum(d.Now) != 1 || d.OpenedGraph.Sum(d.Now) != 2 {
		t.Errorf("%d requests, %d connections", d.RequestGraph.Sum(d.Now), d.OpenedGraph.Sum(d.Now))
	}
	if got := d.FirstByte.All(d.Now); got < 200 || got > 213 {
		t.Errorf("the first byte took %d ms", got)
	}
	taken := 0
	for i := range d.FirstByte.times {
		for _, n := range d.FirstByte.times[i] {
			taken += int(n)
		}
	}
	if taken != 1 {
		t.Errorf("one first byte is taken %d times", taken)
	}
	for i := range 520 { // ten a second, for 52 s: the clock is 7 s into a slot
		d.Apply(&event.Event{Connection: &event.Connection{ID: itoa(i), Kind: "http", Opened: d.Now.Add(-time.Duration(i) * 100 * time.Millisecond)}})
	}
	if got := d.RequestGraph.PerSecond(d.Now); got < 9.9 || got > 10.1 {
		t.Errorf("ten a second are %v", got)
	}
}
