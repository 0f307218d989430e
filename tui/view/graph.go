package view

import (
	"math"
	"math/bits"
	"strconv"
	"time"

	"openclaw/gateway/event"
)

// A graph has a fixed number of slots, of the same time each.
const (
	graphSlots = 60
	graphSlot  = 15 * time.Second
)

// Graph counts what happened lately, in slots of a quarter of a minute. The zero value
// is empty.
type Graph struct {
	counts [graphSlots]int
	newest int64 // the number of the newest slot, counted from 1970
}

func slotOf(t time.Time) int64 { return t.UnixNano() / int64(graphSlot) }

// to moves on to the slot of a time.
func (g *Graph) to(now time.Time) {
	slot := slotOf(now)
	if slot-g.newest >= graphSlots || g.newest-slot >= graphSlots { // a clock that was set, too
		*g = Graph{newest: slot}
		return
	}
	for g.newest < slot {
		g.newest++
		g.counts[g.newest%graphSlots] = 0
	}
}

// Add counts n at a time.
func (g *Graph) Add(at, now time.Time, n int) {
	g.to(now)
	if slot := slotOf(at); slot <= g.newest && slot > g.newest-graphSlots && n > 0 {
		g.counts[slot%graphSlots] += n
	}
}

// Sum is all of it.
func (g *Graph) Sum(now time.Time) (sum int) {
	g.to(now)
	for _, n := range g.counts {
		sum += n
	}
	return sum
}

// Graph draws the newest slots, oldest first, in at most width cells, the highest of them
// as the highest bar. A slot with nothing in it is the lowest, and only that.
func (c *Canvas) Graph(st Style, g *Graph, now time.Time, width int) {
	g.to(now)
	width = min(width, graphSlots, c.Room())
	if width <= 0 {
		return
	}
	at := func(i int) int { return g.counts[(g.newest-int64(width-1-i))%graphSlots] }
	most := 0
	for i := range width {
		most = max(most, at(i))
	}
	bars := c.Theme.bars
	c.enter(st)
	for i := range width {
		bar := 0
		if n := at(i); n > 0 {
			bar = 1 + (n*(len(bars)-1)-1)/most
		}
		c.buf = append(c.buf, string(bars[bar])...)
	}
	c.col += width
}

// Newest is what the newest n slots hold; the last of them is not over yet.
func (g *Graph) Newest(now time.Time, n int) (sum int) {
	g.to(now)
	for i := range int64(min(n, graphSlots)) {
		sum += g.counts[(g.newest-i)%graphSlots]
	}
	return sum
}

// PerSecond is how often it happens in a second now: in the last three quarters of a
// minute, and what has passed of the slot since.
func (g *Graph) PerSecond(now time.Time) float64 {
	const whole = 3
	long := whole*graphSlot + time.Duration(now.UnixNano()-slotOf(now)*int64(graphSlot))
	return float64(g.Newest(now, whole+1)) / long.Seconds()
}

// Latency is the time that things lately took, in the slots of a Graph: of each slot, and
// of all, what 95 of 100 stay within. The zero value is empty.
//
// Times are kept by their four highest bits, as HDR histograms do, so what it says is at
// most a sixteenth too high.
type Latency struct {
	Graph // of each slot what 95 of 100 stay within, in milliseconds

	times [graphSlots][latencySteps]uint16
	moved int64 // the newest slot when times was last tidied
	all   int   // of all slots
	stale bool  // all is to be found anew
}

const (
	latencyBits  = 4
	latencySteps = 20 << latencyBits // up to 17 minutes
)

func latencyStep(ms int) int {
	ms = min(max(ms, 1), 1<<19)
	shift := max(bits.Len(uint(ms))-latencyBits-1, 0)
	return shift<<latencyBits + ms>>shift
}

// latencyOf is the longest time of a step.
func latencyOf(step int) int {
	shift := max(step>>latencyBits-1, 0)
	return (step-shift<<latencyBits+1)<<shift - 1
}

// tidy forgets the times of slots that are over.
func (l *Latency) tidy(now time.Time) {
	l.to(now)
	if l.moved == l.newest {
		return
	}
	for i := max(l.moved+1, l.newest-graphSlots+1); i <= l.newest; i++ {
		clear(l.times[i%graphSlots][:])
	}
	if l.moved > l.newest { // a clock that was set
		clear(l.times[:])
	}
	l.moved, l.stale = l.newest, true
}

// Took takes in how long something took, and when it ended.
func (l *Latency) Took(ms int, at, now time.Time) {
	l.tidy(now)
	slot := slotOf(at)
	if slot > l.newest || slot <= l.newest-graphSlots || ms <= 0 {
		return
	}
	times := &l.times[slot%graphSlots]
	if n := &times[latencyStep(ms)]; *n < math.MaxUint16 {
		*n++
	}
	l.counts[slot%graphSlots] = within95(func(step int) int { return int(times[step]) })
	l.stale = true
}

// All is what 95 of 100 stay within, in milliseconds; 0: there is nothing.
func (l *Latency) All(now time.Time) int {
	l.tidy(now)
	if l.stale {
		l.stale = false
		l.all = within95(func(step int) (n int) {
			for i := range l.times {
				n += int(l.times[i][step])
			}
			return n
		})
	}
	return l.all
}

func within95(count func(step int) int) int {
	total := 0
	for step := range latencySteps {
		total += count(step)
	}
	rest := (total*95 + 99) / 100
	for step := range latencySteps {
		if rest -= count(step); rest <= 0 && total > 0 {
			return latencyOf(step)
		}
	}
	return 0
}

// trend is one graph with its name and its number.
type trend struct {
	label string
	graph *Graph
	put   func(c *Canvas, d *Data)
}

func (d *Data) trends() [4]trend {
	return [...]trend{
		{d.T("requests/s"), &d.RequestGraph, func(c *Canvas, d *Data) {
			rate, digits := d.RequestGraph.PerSecond(d.Now), 1
			if rate > 0 && rate < 1 {
				digits = 2 // one in the last minute is more than nothing
			}
			c.scratch = strconv.AppendFloat(c.scratch[:0], rate, 'f', digits, 64)
			c.putASCII(Bold, c.scratch, c.Room())
		}},
		{d.T("denied"), &d.DeniedGraph, func(c *Canvas, d *Data) { c.PutInt(Bold, d.DeniedGraph.Sum(d.Now)) }},
		{d.T("p95 first byte"), &d.FirstByte.Graph, func(c *Canvas, d *Data) {
			if ms := d.FirstByte.All(d.Now); ms > 0 {
				c.PutInt(Bold, ms)
				c.Put(Bold, c.T(" ms"))
			} else {
				c.Put(Faint, "-")
			}
		}},
		{d.T("connections"), &d.OpenedGraph, func(c *Canvas, d *Data) { c.PutInt(Bold, d.OpenedGraph.Sum(d.Now)) }},
	}
}

// drawTrends draws what happened in the last quarter of an hour, a row each, under a
// title of its own.
func (d *Data) drawTrends(c *Canvas) {
	const label, number = 14, 10
	c.Rule(c.T("Last 15 minutes"), Bold)
	list := d.trends()
	for i := range list {
		c.Gap(1)
		c.Field(Faint, list[i].label, label)
		c.Graph(Plain, list[i].graph, d.Now, c.Room()-number)
		c.Gap(1)
		list[i].put(c, d)
		c.End()
	}
}

// drawGraphs draws the same in rows of two, as many rows as there is room for.
func (d *Data) drawGraphs(c *Canvas, rows int) {
	const label, number = 14, 8
	if rows > 0 {
		c.Rule(c.T("Last 15 minutes"), Bold)
	}
	list := d.trends()
	width := min(c.Width()/2-label-number-3, graphSlots)
	for row := range rows {
		for i := range 2 {
			t := &list[2*row+i]
			c.To(1 + i*(c.Width()/2))
			c.Field(Faint, t.label, label)
			c.Graph(Plain, t.graph, d.Now, width)
			c.Gap(1)
			t.put(c, d)
		}
		c.End()
	}
}

// graphDenial counts how often a denial has come since it was known.
func (d *Data) graphDenial(x *event.Denial) {
	n := max(x.Count, 1)
	if old := d.Denials.Get(x.ID); old != nil {
		n -= max(old.Count, 1)
	}
	d.DeniedGraph.Add(x.Last, d.Now, n)
}

// graphConnection counts a connection when it is first heard of, a request too, and how
// long the first byte of an answer took once it came.
func (d *Data) graphConnection(n *event.Connection) {
	old := d.Connections.Get(n.ID)
	if old == nil {
		d.OpenedGraph.Add(n.Opened, d.Now, 1)
		if n.Kind == "http" {
			d.RequestGraph.Add(n.Opened, d.Now, 1)
		}
	}
	if n.FirstMS > 0 && (old == nil || old.FirstMS == 0) {
		took := time.Duration(min(n.FirstMS, int64(time.Hour/time.Millisecond))) * time.Millisecond
		d.FirstByte.Took(int(took/time.Millisecond), n.Opened.Add(took), d.Now)
	}
}
