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

// Drawing is what drawing takes, at 120x40 and with as many lines of the log as the
// screen keeps.
type Drawing struct {
	Draw        time.Duration // a frame of the slowest view
	Allocations float64       // of a frame, the most of any view
	Filter      time.Duration // over all lines, of two words
	Since       time.Duration // over all lines, of a time, a field and a level
}

// What is measured with: a line of the log, and two filters.
const (
	measuredSource  = "gateway"
	measuredMessage = "request"
	measuredFields  = "agent=coder route=/v1/messages status=200 id="
	measuredFilter  = "provider agent:x"
	measuredSince   = "since:1m agent:coder level:info+"
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
	for _, name := range view.Names() {
		s.current = name
		s.draw() // looks at all lines once
		out.Draw = max(out.Draw, leastTime(200, s.draw))
		out.Allocations = max(out.Allocations, allocations(100, s.draw))
	}
	for _, f := range []struct {
		line string
		took *time.Duration
	}{{measuredFilter, &out.Filter}, {measuredSince, &out.Since}} {
		*f.took = leastTime(20, func() { s.logs.Find(f.line); s.logs.Count() })
	}
	return out
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
