package gateway

import (
	"context"
	"encoding/json"
	"runtime"

	"openclaw/gateway/event"
	"openclaw/gateway/hub"
	"openclaw/gateway/wire"
)

// mostSupportRows bounds each list of a support bundle.
const mostSupportRows = 200

// support gives a support bundle what this gateway knows. Whoever keeps the files adds
// theirs, and takes the secrets out of all of them.
func (g *Gateway) support(ctx context.Context, call *hub.Call) (any, error) {
	var params wire.SupportParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	if g.deps.Support == nil {
		return nil, wire.Unavailable("this gateway keeps no files", "")
	}
	overview, err := g.overview(ctx, call)
	if err != nil {
		return nil, err
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	now := g.deps.Now()
	bans, err := g.listBans(ctx, call)
	if err != nil {
		return nil, err
	}
	files := make([]wire.SupportFile, 0, 8)
	for _, one := range []struct {
		name, about string
		value       any
	}{
		{"overview.json", "the gateway's state: listeners, TLS, the token's age, where secrets are kept, what this machine enforces, configs that were in force", overview},
		{"runtime.json", "uptime, goroutines and memory of the gateway's process", map[string]any{
			"uptime_seconds": int(now.Sub(g.started).Seconds()), "goroutines": runtime.NumGoroutine(), "processors": runtime.GOMAXPROCS(0),
			"heap_bytes": memory.HeapAlloc, "system_bytes": memory.Sys, "collections": memory.NumGC, "events_lost": g.deps.Bus.Dropped(),
		}},
		{"runs.json", "agents' runs, with the command lines", g.registry.Runs("")},
		{"connections.json", "who is and was connected: clients, calls to providers, connections of agents", newest(g.registry.Connections())},
		{"denials.json", "what was refused to agents, with the targets", g.registry.Denials("", mostSupportRows)},
		{"asks.json", "what waits for an answer, and what was answered", newest(g.asks.inbox.List(""))},
		{"bans.json", "addresses that are shut out", bans},
	} {
		text, err := json.MarshalIndent(one.value, "", "  ")
		if err != nil {
			return nil, err
		}
		files = append(files, wire.SupportFile{Name: one.name, About: one.about, Content: string(text) + "\n"})
	}
	return g.deps.Support(ctx, files, params.Lines)
}

func newest[T event.Connection | event.Ask](rows []T) []T {
	return rows[max(0, len(rows)-mostSupportRows):]
}
