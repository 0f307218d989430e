package tui

import (
	"math"
	"runtime"
	"slices"
	"strconv"
	"time"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

// Drawing is what drawing takes, at 120x40 and with as many lines of the log, denials and
// connections as the screen keeps.
type Drawing struct {
	Draw        time.Duration // a frame of the slowest view, also of a list that is filtered or sorted and to which rows come
	Allocations float64       // of a frame, the most of any view
	Filter      time.Duration // over all lines, of two words
	Since       time.Duration // over all lines, of a time, a field and a level
	List        time.Duration // over all denials, of two words and a field
}

// What is measured with: a line of the log, and two filters.
const (
	measuredSource  = "gateway"
	measuredMessage = "request"
	measuredFields  = "agent=coder route=/v1/messages status=200 id="
	measuredFilter  = "provider agent:x"
	measuredSince   = "since:1m agent:coder level:info+"
	measuredList    = "node agent:coder secret"
)

// And with many rows of the lists.
const (
	measuredAgent     = "coder"
	measuredOperation = "open"
	measuredTarget    = "/home/ada/project/secret/"
	measuredProgram   = "/usr/bin/node"
	measuredHost      = ".example.test:443"
	measuredState     = "open"
)

// MeasureDrawing measures it, on the demo at work: the least of many times each.
func MeasureDrawing() Drawing {
	demo := NewDemo()
	s := newScreen(&Options{Backend: demo, Now: demo.Now}, newFeed(feedSize), view.NewTheme(true, false))
	s.resize(120, 40)
	d, w := s.data, &demo.world
	d.Link, d.Loaded = view.Link{Up: true, Tried: true}, true
	d.Overview, d.Config, d.Store, d.Secrets = w.overview, w.config, w.overview.Store, w.secrets
	d.LoadAgents(slices.Clone(w.agents))
	d.LoadDenials(w.denials)
	d.LoadConnections(w.connections)
	for i := range demo.script {
		s.apply(&demo.script[i])
	}
	for i := range view.MaxLogs {
		d.Logs.Push(event.LogLine{
			Time: d.Now.Add(time.Duration(i-view.MaxLogs) * time.Millisecond), Level: "INFO", Source: measuredSource, Message: measuredMessage,
			Text: measuredFields + strconv.Itoa(i),
		})
	}
	var out Drawing
	came := fill(d)
	frame := func() {
		came()
		s.draw()
	}
	look := func() {
		s.draw() // looks at all lines once
		out.Draw = max(out.Draw, leastTime(200, frame))
		out.Allocations = max(out.Allocations, allocations(100, frame))
	}
	for _, name := range view.Names() {
		s.current = name
		look()
	}
	for _, name := range []view.Name{view.Connections, view.Denials} {
		s.current = name
		s.views[name].Do(view.ActSort)
		look()
	}
	s.denials.Find(measuredList)
	look()
	out.List = leastTime(20, func() { s.denials.Find(measuredList); s.draw() })
	for _, f := range []struct {
		line string
		took *time.Duration
	}{{measuredFilter, &out.Filter}, {measuredSince, &out.Since}} {
		*f.took = leastTime(20, func() { s.logs.Find(f.line); s.logs.Count() })
	}
	return out
}

// fill fills the lists, and returns what has one more row come to each.
func fill(d *view.Data) (came func()) {
	n := 0
	came = func() {
		n++
		id, at := strconv.Itoa(n), d.Now.Add(time.Duration(n)*time.Millisecond)
		d.Denials.Put(&event.Denial{ID: id, Agent: measuredAgent, Operation: measuredOperation, Target: measuredTarget + id, Program: measuredProgram, Count: 1, First: at, Last: at})
		d.Connections.Put(&event.Connection{ID: id, Agent: measuredAgent, Kind: event.ConnectionNet, Route: id + measuredHost, State: measuredState, Opened: at})
	}
	for range 2 * view.MaxRows {
		came()
	}
	return came
}

// leastTime is what a run takes when nothing else has the processor.
func leastTime(times int, run func()) time.Duration {
	least := time.Duration(math.MaxInt64)
	for range times {
		begin := time.Now()
		run()
		least = min(least, time.Since(begin))
	}
	return least
}

// allocations is how many a run makes on average, those of other goroutines with it.
func allocations(times int, run func()) float64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range times {
		run()
	}
	runtime.ReadMemStats(&after)
	return float64((after.Mallocs - before.Mallocs) / uint64(times))
}
