package gateway

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"time"

	"openclaw/gateway/event"
	"openclaw/sandbox/policy"
)

// recallFor is how far back a gateway takes up what was refused before it started: the
// hour that the screen speaks of.
const recallFor = time.Hour

// recall lists what was refused under the gateway before this one. Who was away then sees
// it as if the gateway had gone on, requests that nobody answered among it. What cannot be
// read is on record all the same.
func (g *Gateway) recall(ctx context.Context) {
	if g.deps.AuditRefused == nil {
		return
	}
	whole, err := g.deps.AuditRefused(ctx, g.deps.Now().Add(-recallFor), func(line []byte) bool {
		if d, is := recorded(line); is {
			g.registry.Recall(d)
		}
		return true
	})
	switch {
	case err != nil:
		g.log.Warn("what was refused before this start is on record and not listed", slog.Any("error", err))
	case !whole:
		g.log.Warn("of what was refused in the hour before this start the older part is on record and not listed")
	}
}

// recorded is the refusal that auditDenial wrote as one line of the audit log; false: the
// line is about something else.
func recorded(line []byte) (event.Denial, bool) {
	var e struct {
		Time    time.Time `json:"timestamp"`
		Event   string    `json:"event_type"`
		User    string    `json:"user"`
		Action  string    `json:"action"`
		Path    string    `json:"path"`
		Target  string    `json:"target"`
		Result  string    `json:"result"`
		Reason  string    `json:"reason"`
		Details struct {
			Run         string        `json:"run"`
			PID         int           `json:"pid"`
			Program     string        `json:"program"`
			CommandLine string        `json:"command_line"`
			Class       policy.Class  `json:"class"`
			Count       int           `json:"count"`
			Mechanism   string        `json:"mechanism"`
			Origin      policy.Origin `json:"origin"`
			Masked      bool          `json:"masked"`
		} `json:"details"`
	}
	kinds := []string{"file_access", "command_execution", "authorization"} // and no answer to a request
	if err := json.Unmarshal(line, &e); err != nil || !slices.Contains(kinds, e.Event) || e.Result != "denied" || e.Details.Class == "" || e.Details.Run == "" {
		return event.Denial{}, false
	}
	d := &e.Details
	return event.Denial{
		First: e.Time, Last: e.Time, Count: d.Count, Agent: e.User, Run: d.Run, PID: d.PID, Program: d.Program, CommandLine: d.CommandLine,
		Class: d.Class, Operation: e.Action, Target: e.Path + e.Target, Rule: e.Reason, Origin: d.Origin, Mechanism: d.Mechanism,
		// Older records do not say it; one too many of these only makes no rule.
		Masked: d.Masked || strings.Contains(e.Path+e.Target, "[REDACTED"),
	}, true
}
