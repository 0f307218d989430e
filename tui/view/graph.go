package view

import (
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

// drawGraphs draws what happened in the last quarter of an hour, each with its number.
func (d *Data) drawGraphs(c *Canvas) {
	const least, most = 10, graphSlots
	width := min(max((c.Width()-46)/2, least), most)
	c.Gap(1)
	c.Put(Plain, c.T("15 min:"))
	for _, g := range [...]struct {
		label string
		graph *Graph
	}{{c.T("denied"), &d.DeniedGraph}, {c.T("connections"), &d.OpenedGraph}} {
		c.Gap(2)
		c.Put(Faint, g.label)
		c.Gap(1)
		c.Graph(Plain, g.graph, d.Now, width)
		c.Gap(1)
		c.PutInt(Bold, g.graph.Sum(d.Now))
	}
	c.End()
}

// graphDenial counts how often a denial has come since it was known.
func (d *Data) graphDenial(x *event.Denial) {
	n := max(x.Count, 1)
	if old := d.Denials.Get(x.ID); old != nil {
		n -= max(old.Count, 1)
	}
	d.DeniedGraph.Add(x.Last, d.Now, n)
}

// graphConnection counts a connection when it is first heard of.
func (d *Data) graphConnection(n *event.Connection) {
	if d.Connections.Get(n.ID) == nil {
		d.OpenedGraph.Add(n.Opened, d.Now, 1)
	}
}
