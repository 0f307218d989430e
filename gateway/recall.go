package gateway

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"time"

	"openclaw/gateway/event"
	"openclaw/gateway/wire"
	"openclaw/sandbox/policy"
)

// How far back a gateway takes up what was refused before it started, and how many records
// it looks at: the hour that the screen speaks of.
const (
	recallFor  = "1h"
	recallMost = 5000
)

// recall lists what was refused under the gateway before this one. Who was away then sees
// it as if the gateway had gone on, requests that nobody answered among it. What cannot be
// read is on record all the same.
func (g *Gateway) recall(ctx context.Context) {
	if g.deps.AuditSearch == nil {
		return
	}
	lines, _, err := g.deps.AuditSearch(ctx, wire.AuditSearchParams{Since: recallFor, Limit: recallMost})
	if err != nil {
		g.log.Warn("what was refused before this start is on record and not listed", slog.Any("error", err))
		return
	}
	var denials []event.Denial
	for _, line := range lines {
		if d, is := recorded(line); is {
			denials = append(denials, d)
		}
	}
	g.registry.Recall(denials...)
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
