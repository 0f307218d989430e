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
// as it is on record: its program, its start and its end. The log may be long, so nobody
// waits for it.
func (g *Gateway) recallRuns(ctx context.Context) {
	if g.deps.AuditSearch == nil {
		return
	}
	last := map[string]event.Run{}
	for _, e := range g.runsOnRecord(ctx, "run_end") { // oldest first
		last[e.Target] = event.Run{ID: e.Details.Run, Agent: e.Target, Started: e.Time, Ended: e.Time, Exit: e.Reason}
	}
	if len(last) == 0 {
		return
	}
	began := map[string]recordedRun{}
	for _, e := range g.runsOnRecord(ctx, "run_start") {
		if _, known := began[e.Details.Run]; !known && e.Action == "run" { // not a later supervisor's
			began[e.Details.Run] = e
		}
	}
	for _, run := range last {
		if start, known := began[run.ID]; known && start.Target == run.Agent {
			run.Started, run.Folder, run.Learning = start.Time, start.Details.Dir, start.Details.Learn
			if start.Details.Program != "" {
				run.Command, run.Untold = []string{start.Details.Program}, max(0, start.Details.Arguments)
			}
		}
		g.registry.RecallRun(run)
	}
}

// recordedRun is what start, finishAs and the spool's reader write of a run as one line of
// the audit log: of its command the program alone, for a secret may stand in the rest.
type recordedRun struct {
	Time    time.Time `json:"timestamp"`
	Event   string    `json:"event_type"`
	Action  string    `json:"action"`
	Target  string    `json:"target"` // the agent
	Reason  string    `json:"reason"` // the exit
	Details struct {
		Run       string `json:"run"`
		Program   string `json:"program"`
		Arguments int    `json:"arguments"` // after the program
		Dir       string `json:"dir"`
		Learn     bool   `json:"learn"`
	} `json:"details"`
}

// runsOnRecord are the lines about the start or the end of runs, the oldest first.
func (g *Gateway) runsOnRecord(ctx context.Context, kind string) []recordedRun {
	lines, _, err := g.deps.AuditSearch(ctx, wire.AuditSearchParams{Event: kind, Since: recallRunsFor.String()})
	if err != nil {
		if ctx.Err() == nil {
			g.log.Warn("the runs before this start are on record and not listed", slog.Any("error", err))
		}
		return nil
	}
	var out []recordedRun
	for _, line := range lines {
		var e recordedRun
		if json.Unmarshal(line, &e) == nil && e.Event == kind && e.Target != "" && e.Details.Run != "" && !e.Time.IsZero() {
			out = append(out, e)
		}
	}
	return out
}
