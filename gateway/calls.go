package gateway

import (
	"log/slog"
	"strings"
	"time"

	"openclaw/gateway/event"
)

// Call is one request to a model provider, as the pass-through tells it.
type Call struct {
	ID        string
	Provider  string
	Agent     string // empty: the operator
	Run       string
	Client    string // the named client whose token it came with; empty: none
	From      string // peer address; may be empty
	Method    string
	Path      string
	Status    int // 0: no answer
	BytesIn   int64
	BytesOut  int64
	Started   time.Time
	FirstByte time.Duration
	Duration  time.Duration
	Model     string // empty: none was seen
	Tokens    Tokens
	Error     string
}

// Tokens is what a call cost. In includes Cached.
type Tokens struct {
	In, Cached, Out int64
	Estimated       bool // the answer did not say all of it
}

// auditCall puts a finished call on record. The answer does not end later because a
// disk is slow.
func (g *Gateway) auditCall(call Call) {
	user, result := operator, "success"
	if call.Agent != "" {
		user = call.Agent
	}
	if call.Error != "" || call.Status >= 400 || call.Status == 0 {
		result = "failure"
	}
	details := make(map[string]any, 13) // all that there may be: to grow costs more than to make
	details["id"], details["run"], details["status"], details["bytes_in"], details["bytes_out"] = call.ID, call.Run, call.Status, call.BytesIn, call.BytesOut
	details["first_byte_ms"], details["duration_ms"] = call.FirstByte.Milliseconds(), call.Duration.Milliseconds()
	if call.Client != "" {
		details["client"] = call.Client
	}
	if call.Model != "" {
		details["model"] = call.Model
	}
	if call.Tokens != (Tokens{}) {
		details["tokens_in"], details["tokens_cached"], details["tokens_out"], details["tokens_estimated"] = call.Tokens.In, call.Tokens.Cached, call.Tokens.Out, call.Tokens.Estimated
	}
	g.deps.AuditLater(AuditEntry{
		Event: "api_call", User: user, IP: call.From, Action: call.Method, Path: call.Path, Target: call.Provider, Result: result, Reason: call.Error,
		Details: details,
	}, func(err error) {
		g.log.Error("a model call could not be audited", slog.String("id", call.ID), slog.Any("error", err))
		g.notice("error", "a model call could not be written to the audit log: "+err.Error())
	})
}

// CallStarted shows a request that goes to a provider now.
func (g *Gateway) CallStarted(call Call) {
	row := callRow(call)
	row.State = "open"
	g.registry.Connection(row)
}

// CallFinished shows its end and records it.
func (g *Gateway) CallFinished(call Call) {
	row := callRow(call)
	row.State, row.Closed = "closed", g.deps.Now()
	g.registry.Connection(row)
	g.auditCall(call)
}

func callRow(call Call) event.Connection {
	from, proof := call.From, "token"
	switch {
	case strings.HasPrefix(call.Run, chatRun):
		proof = "chat"
	case call.Agent != "":
		from, proof = "cage "+call.Agent, "agent token"
	case call.Client != "":
		proof = "token of " + call.Client
	}
	return event.Connection{
		ID: call.ID, Kind: event.ConnectionHTTP, From: from, Agent: call.Agent, Run: call.Run, Route: short(call.Method+" "+call.Path) + " → " + call.Provider,
		Status: call.Status, Detail: call.Error, Auth: proof, Opened: call.Started, BytesIn: call.BytesIn, BytesOut: call.BytesOut, FirstMS: call.FirstByte.Milliseconds(),
	}
}
