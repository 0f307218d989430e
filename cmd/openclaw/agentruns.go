package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"openclaw/gateway/event"
	"openclaw/gateway/wire"
)

// presentTime is how long a gateway has to say what runs.
const presentTime = 3 * time.Second

// runRow is one run that goes on, as JSON.
type runRow struct {
	ID        string   `json:"id"`
	PID       int      `json:"pid"`
	Learning  bool     `json:"learning,omitempty"`
	NeedsRun  []string `json:"needs_run,omitempty"`
	StillOpen []string `json:"still_open,omitempty"`
}

// present is what runs now, by agent. Without a gateway nothing is known, and
// nothing is shown.
func (t *terminal) present(ctx context.Context) map[string][]runRow {
	layout, err := t.layout()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, presentTime)
	defer cancel()
	c, err := dial(ctx, layout)
	if err != nil {
		return nil
	}
	defer c.Close()
	var agents wire.AgentsResult
	if err := c.Call(ctx, wire.MethodAgents, nil, &agents); err != nil {
		return nil
	}
	out := map[string][]runRow{}
	for _, agent := range agents.Agents {
		for _, run := range agent.Runs {
			if run.Ended.IsZero() {
				out[agent.Name] = append(out[agent.Name], rowOf(run))
			}
		}
	}
	return out
}

func rowOf(run event.Run) runRow {
	return runRow{run.ID, run.PID, run.Learning, run.NeedsRun, run.StillOpen}
}

// runWords says in a cell what an agent's runs are.
func runWords(runs []runRow) string {
	if len(runs) == 0 {
		return ""
	}
	learning, waiting := 0, 0
	for _, run := range runs {
		if run.Learning {
			learning++
		}
		if len(run.NeedsRun) > 0 {
			waiting++
		}
	}
	words := fmt.Sprint(len(runs), " running")
	if learning > 0 {
		words += fmt.Sprint(", ", learning, " learning")
	}
	if waiting > 0 {
		words += fmt.Sprint(", ", waiting, " needs a new run")
	}
	return words
}

// warnOpen says on standard error what runs can still do although their policy
// forbids it by now.
func (t *terminal) warnOpen(runs map[string][]runRow, agent string) {
	for _, name := range slices.Sorted(maps.Keys(runs)) {
		if agent != "" && agent != name {
			continue
		}
		for _, run := range runs[name] {
			if len(run.StillOpen) > 0 {
				t.warn("a run of %s (pid %d) can still do what its policy forbids by now: %s", name, run.PID, printable(strings.Join(run.StillOpen, "; ")))
				t.warn("start it again, or write on_narrow: stop to have such runs ended")
			}
		}
	}
}
