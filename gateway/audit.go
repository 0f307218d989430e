package gateway

import (
	"context"
	"log/slog"

	"openclaw/gateway/event"
	"openclaw/gateway/hub"
	"openclaw/sandbox/policy"
)

// auditAccess records who was let in or not. A record that cannot be written
// does not shut the owner out, but it is said. others is how many before it are
// counted by this record; details may be nil.
func (g *Gateway) auditAccess(ctx context.Context, from, action, result, reason string, others int, details map[string]any) {
	if others > 0 {
		details = withDetail(details, "others", others)
	}
	if err := g.deps.Audit(context.WithoutCancel(ctx), accessEntry(ctx, from, action, result, reason, details)); err != nil {
		g.accessNotAudited(err)
	}
}

// auditUser records that a process of the person's own was let in. It waits for no
// disk, which is a tenth of what a run takes to start: whatever the process does next
// is on record behind it, and does wait.
func (g *Gateway) auditUser(ctx context.Context, action, reason string) {
	g.deps.AuditLater(accessEntry(ctx, "unix", action, "success", reason, nil), g.accessNotAudited)
}

func accessEntry(ctx context.Context, from, action, result, reason string, details map[string]any) AuditEntry {
	if id := hub.IDOf(ctx); id != "" {
		details = withDetail(details, "connection", id)
	}
	return AuditEntry{Event: "authentication", User: operator, IP: hostOf(from), Action: short(action), Result: result, Reason: reason, Details: details}
}

func (g *Gateway) accessNotAudited(err error) {
	g.log.Error("an authentication could not be audited", slog.Any("error", err))
	g.notice("error", "the audit log cannot be written: "+err.Error())
}

// auditDenial records a refusal of a cage.
func (g *Gateway) auditDenial(ctx context.Context, d event.Denial) error {
	entry := AuditEntry{
		Event: "file_access", User: d.Agent, IP: "local", Action: d.Operation, Result: "denied", Reason: d.Rule,
		Details: map[string]any{
			"run": d.Run, "pid": d.PID, "program": d.Program, "command_line": d.CommandLine, "class": string(d.Class),
			"count": d.Count, "mechanism": d.Mechanism, "origin": d.Origin,
		},
	}
	if d.Row > 0 {
		entry.Details["row"] = d.Row
	}
	if d.Rows != "" { // of one that counts several
		entry.Details["rows"] = d.Rows
	}
	if d.Connection != "" {
		entry.Details["connection"] = d.Connection
	}
	if d.Masked { // its target is not its name: recall goes by that
		entry.Details["masked"] = true
	}
	g.log.Warn("an agent was refused", slog.String("agent", d.Agent), slog.String("operation", d.Operation), slog.String("target", short(d.Target)), slog.String("rule", d.Rule), slog.Int("count", d.Count))
	switch d.Class {
	case policy.ClassExec:
		entry.Event, entry.Target = "command_execution", d.Target
	case policy.ClassNet:
		entry.Event, entry.Target = "authorization", d.Target
	case policy.ClassLimit:
		entry.Event, entry.Target = "command_execution", d.Target
		if d.Mechanism == mechanismBudget {
			entry.Event = "authorization"
		}
	default:
		entry.Path = d.Target
	}
	return g.deps.Audit(ctx, entry)
}

// withDetail adds one detail to those of an entry, which may be nil.
func withDetail(details map[string]any, key string, value any) map[string]any {
	if details == nil {
		details = map[string]any{}
	}
	details[key] = value
	return details
}

// auditAct records what the operator does before it is done; what cannot be
// recorded is not done. The connection that it was asked for over stands beside it
// as caller, where there is one.
func (g *Gateway) auditAct(ctx context.Context, from string, entry AuditEntry) error {
	return g.deps.Audit(ctx, actEntry(ctx, from, entry))
}

// auditOver records what is over already: it waits for no disk.
func (g *Gateway) auditOver(ctx context.Context, entry AuditEntry, failed func(error)) {
	g.deps.AuditOver(ctx, actEntry(ctx, "local", entry), failed)
}

func actEntry(ctx context.Context, from string, entry AuditEntry) AuditEntry {
	entry.User, entry.IP = operator, hostOf(from)
	if entry.Result == "" {
		entry.Result = "success"
	}
	if id := hub.IDOf(ctx); id != "" {
		entry.Details = withDetail(entry.Details, "caller", id)
	}
	return entry
}
