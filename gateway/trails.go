package gateway

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"openclaw/gateway/event"
	"openclaw/gateway/hub"
	"openclaw/gateway/wire"
)

// maxRecords bounds the records of the audit log that are shown of one connection.
const maxRecords = 500

// served notes what a client asked for over its connection.
func (g *Gateway) served(c *hub.Conn, method string, refusal *wire.Error) {
	if refusal == nil {
		g.trails.Add(c.ID, event.StepRequest, method)
		return
	}
	if method == "" {
		method = "a method that is not there"
	}
	g.trails.Add(c.ID, event.StepRefused, method+": "+short(refusal.Message))
}

// showConnection is what happened on one connection: while the gateway knows it from
// memory, and from the audit log as long as that is kept.
func (g *Gateway) showConnection(ctx context.Context, call *hub.Call) (any, error) {
	var params wire.ConnectionParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	if params.ID == "" {
		return nil, wire.Invalid("invalid " + wire.MethodConnection + " params: id")
	}
	out := event.ConnectionTrail{Connection: event.Connection{ID: params.ID}}
	row, known := g.registry.FindConnection(params.ID)
	if known {
		g.countTraffic(&row)
		out.Connection = row
		out.Steps, out.More = g.trails.Of(params.ID)
		out.Steps = stepsOf(&row, out.Steps)
	}
	if params.Records {
		g.searchRecords(ctx, &out)
	}
	if !known && len(out.Records) == 0 && out.Problem == "" {
		return nil, wire.NotFound("nothing is known of a connection "+short(params.ID), "openclaw client list")
	}
	return out, nil
}

// countTraffic brings a socket's bytes up to date.
func (g *Gateway) countTraffic(row *event.Connection) {
	if !event.Client(row.Kind) {
		return
	}
	for _, c := range g.hub.Conns() {
		if c.ID == row.ID {
			row.BytesIn, row.BytesOut = c.Traffic()
			return
		}
	}
}

// searchRecords adds what the audit log holds of a connection.
func (g *Gateway) searchRecords(ctx context.Context, out *event.ConnectionTrail) {
	if g.deps.AuditSearch == nil {
		out.Problem = "this gateway cannot search its audit log"
		return
	}
	query := wire.AuditSearchParams{Connection: out.Connection.ID, Limit: maxRecords}
	if opened := out.Connection.Opened; !opened.IsZero() {
		// What let it in is on record a moment before it is open.
		query.Since = (g.deps.Now().Sub(opened) + time.Minute).Round(time.Second).String()
	}
	var err error
	if out.Records, out.Truncated, err = g.deps.AuditSearch(ctx, query); err != nil {
		g.log.Error("the audit log could not be searched for a connection", slog.Any("error", err))
		out.Problem = "the audit log could not be searched; the gateway's log has the details"
	}
}

// stepsOf puts what a connection's own row says around the steps that were noted.
func stepsOf(row *event.Connection, noted []event.Step) []event.Step {
	at := func(kind string, when time.Time, text string) event.Step {
		return event.Step{Kind: kind, First: when, Last: when, Count: 1, Text: text}
	}
	var steps []event.Step
	if row.State != "refused" {
		steps = append(steps, at(event.StepOpened, row.Opened, row.Auth))
	}
	if row.HeldMS > 0 {
		held := time.Duration(row.HeldMS) * time.Millisecond
		steps = append(steps, at(event.StepHeld, row.Opened.Add(held), held.Round(100*time.Millisecond).String()))
	}
	if row.FirstMS > 0 {
		steps = append(steps, at(event.StepAnswer, row.Opened.Add(time.Duration(row.FirstMS)*time.Millisecond), ""))
	}
	steps = append(steps, noted...)
	slices.SortStableFunc(steps, func(a, b event.Step) int { return a.First.Compare(b.First) })
	switch {
	case row.State == "refused":
		steps = append(steps, at(event.StepRefused, row.Opened, row.Detail))
	case !row.Closed.IsZero():
		steps = append(steps, at(event.StepClosed, row.Closed, row.Detail))
	}
	return steps
}

// auditCarried records that an agent's connection left its cage, and how it ended. So
// many that they would fill the disk are counted.
func (g *Gateway) auditCarried(c *event.Connection, before bool) {
	entry := AuditEntry{
		Event: "authorization", User: c.Agent, IP: "local", Action: "connect", Target: short(c.Route), Result: "allowed", Reason: c.Auth,
		Details: map[string]any{"connection": c.ID, "run": c.Run, "pid": c.PID, "program": c.Program, "origin": c.Origin},
	}
	if c.HeldMS > 0 {
		entry.Details["held_ms"] = c.HeldMS
	}
	if !before {
		g.auditLater(entry)
	}
	if c.Closed.IsZero() {
		return
	}
	entry.Action, entry.Result, entry.Reason = "close", "success", ""
	if _, err := netip.ParseAddrPort(c.Detail); err != nil { // more than where it went
		entry.Result, entry.Reason = "failure", short(c.Detail)
	}
	entry.Details = map[string]any{
		"connection": c.ID, "run": c.Run, "bytes_in": c.BytesIn, "bytes_out": c.BytesOut, "duration_ms": c.Closed.Sub(c.Opened).Milliseconds(),
	}
	g.auditLater(entry)
}

// auditLater records what is over already, while there is room.
func (g *Gateway) auditLater(entry AuditEntry) {
	before, ok := g.carried.take()
	if !ok {
		return
	}
	if before > 0 {
		entry.Details["others"] = before
	}
	g.deps.AuditLater(entry, func(err error) {
		g.log.Error("a connection could not be audited", slog.Any("error", err))
		g.notice("error", "a connection could not be written to the audit log: "+err.Error())
	})
}
