package gateway

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"openclaw/gateway/event"
	"openclaw/gateway/wire"
)

// recallRunsFor is how far back a gateway looks for the last run of an agent.
const recallRunsFor = 30 * 24 * time.Hour

// recallRuns lists the last run of each agent under the gateways before this one, as far
// as it is on record: its end. The log may be long, so nobody waits for it.
func (g *Gateway) recallRuns(ctx context.Context) {
	if g.deps.AuditSearch == nil {
		return
	}
	lines, _, err := g.deps.AuditSearch(ctx, wire.AuditSearchParams{Event: "run_end", Since: recallRunsFor.String()})
	if err != nil {
		if ctx.Err() == nil {
			g.log.Warn("the runs before this start are on record and not listed", slog.Any("error", err))
		}
		return
	}
	last := map[string]event.Run{}
	for _, line := range lines { // oldest first
		if run, is := recordedEnd(line); is {
			last[run.Agent] = run
		}
	}
	for _, run := range last {
		g.registry.RecallRun(run)
	}
}

// recordedEnd is the run whose end finishAs wrote as one line of the audit log; false: the
// line is about something else.
func recordedEnd(line []byte) (event.Run, bool) {
	var e struct {
		Time    time.Time `json:"timestamp"`
		Event   string    `json:"event_type"`
		Target  string    `json:"target"`
		Reason  string    `json:"reason"`
		Details struct {
			Run string `json:"run"`
		} `json:"details"`
	}
	if json.Unmarshal(line, &e) != nil || e.Event != "run_end" || e.Target == "" || e.Details.Run == "" || e.Time.IsZero() {
		return event.Run{}, false
	}
	return event.Run{ID: e.Details.Run, Agent: e.Target, Started: e.Time, Ended: e.Time, Exit: e.Reason}, true
}
