package main

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"openclaw/configs"
	"openclaw/gateway"
	"openclaw/gateway/audit"
	"openclaw/gateway/budget"
	"openclaw/gateway/event"
	"openclaw/gateway/logs"
	"openclaw/gateway/provider"
	"openclaw/gateway/wire"
	"openclaw/keychain"
)

// deps hands the gateway its parts in the words of its own interfaces.
func (h *house) deps() gateway.Deps {
	pass := provider.New(provider.Options{
		Secret: h.providerKey, Providers: h.targets,
		Started:  func(r provider.Record) { h.gateway.CallStarted(callOf(r)) },
		Finished: func(r provider.Record) { h.gateway.CallFinished(callOf(r)) },
		Allowed:  h.providerAllowed,
		Budget:   h.enterBudget,
		Prefer:   h.providerOf,
	})
	return gateway.Deps{
		Version: version, Layout: h.layout, Config: h.config, Bus: h.bus, Log: h.log.Logger(), Lock: h.lock, Now: time.Now,
		Token: h.token.Token, Secrets: h.secrets, Vault: h.secrets,
		SecretStatus: h.secretStatus, SecretInfo: h.secretInfo, Resolve: h.resolve,
		Audit: h.recordAudit, AuditLater: h.recordLater, AuditOver: h.recordOver, AuditSearch: h.searchAudit, AuditVerify: h.verifyAudit, AuditRun: h.auditRun, AuditRefused: h.auditRefused,
		LogTail: func(limit int) ([]event.LogLine, error) { return logs.Tail(h.layout.GatewayLog(), limit) },
		LogFrom: h.logFrom, ScrubLogs: h.scrubLogs, Support: h.support,
		Provider: pass, CutCall: pass.Cut,
		TryKey: func(ctx context.Context, name string, key keychain.Secret) (bool, error) {
			err := pass.TryKey(ctx, name, key)
			return errors.Is(err, provider.ErrKeyRefused), err
		},
		WithCaller: func(ctx context.Context, agent, run string) context.Context {
			return provider.WithCaller(ctx, provider.Caller{Agent: agent, Run: run, Client: gateway.ClientOf(ctx)})
		},
		ProviderKind: func(name string) string { return h.targets()[name].Kind },
		Masker:       h.masker, Machine: h.mechanisms,
	}
}

func (h *house) recordAudit(ctx context.Context, e gateway.AuditEntry) error {
	return h.audit.Record(ctx, audit.Entry(e))
}

func (h *house) recordLater(e gateway.AuditEntry, failed func(error)) {
	h.audit.RecordLater(audit.Entry(e), failed)
}

func (h *house) recordOver(ctx context.Context, e gateway.AuditEntry, failed func(error)) {
	h.audit.RecordOver(ctx, audit.Entry(e), failed)
}

func (h *house) searchAudit(ctx context.Context, params wire.AuditSearchParams) ([]json.RawMessage, bool, error) {
	return searchAuditFile(ctx, h.audit.Path(), params)
}

func (h *house) verifyAudit(context.Context) (event.AuditChain, error) {
	r, err := audit.Verify(h.audit.Path())
	return event.AuditChain{
		Path: h.audit.Path(), Status: string(r.Status), Line: r.Line, Detail: r.Detail, Problems: r.Problems, Records: r.Records, LastSeq: r.LastSeq, Head: r.Head,
	}, err
}

func (h *house) auditRun(ctx context.Context, run string) (gateway.RunRecord, error) {
	found, err := audit.FindRun(ctx, h.audit.Path(), run)
	return gateway.RunRecord{Rows: found.Rows, Ended: found.Ended}, err
}

func (h *house) auditRefused(ctx context.Context, since time.Time, each func(line []byte) bool) (whole bool, err error) {
	return audit.Refused(ctx, h.audit.Path(), since, each)
}

// searchAuditFile gives the newest entries that match, oldest first.
func searchAuditFile(ctx context.Context, path string, params wire.AuditSearchParams) ([]json.RawMessage, bool, error) {
	query := audit.Query{Event: params.Event, Agent: params.Agent, Connection: params.Connection, Limit: params.Limit, Reverse: true}
	if params.Since != "" {
		back, err := parseSpan(params.Since)
		if err != nil {
			return nil, false, err
		}
		query.Since = time.Now().Add(-back)
	}
	entries, truncated, err := audit.Search(ctx, path, query)
	for i, j := 0, len(entries)-1; i < j; i, j = i+1, j-1 {
		entries[i], entries[j] = entries[j], entries[i]
	}
	return entries, truncated, err
}

func (h *house) logFrom(cursor int64, limit, maxBytes int) (gateway.LogChunk, error) {
	chunk, err := logs.TailFrom(h.layout.GatewayLog(), cursor, limit, maxBytes)
	return gateway.LogChunk{
		Cursor: chunk.Cursor, Size: chunk.Size, Lines: chunk.Lines, Truncated: chunk.Truncated, Reset: chunk.Reset,
	}, err
}

func callOf(r provider.Record) gateway.Call {
	return gateway.Call{
		ID: r.ID, Provider: r.Provider, Agent: r.Agent, Run: r.Run, Client: r.Client, From: r.From, Method: r.Method, Path: r.Path, Status: r.Status,
		BytesIn: r.BytesIn, BytesOut: r.BytesOut, Started: r.Started, FirstByte: r.FirstByte, Duration: r.Duration, Error: r.Error,
		Model: r.Model, Tokens: gateway.Tokens(r.Usage),
	}
}

// enterBudget asks the gateway's budgets for a call.
func (h *house) enterBudget(d provider.Demand) (settle func(provider.Usage), refused *provider.Overspent) {
	demand := budget.Demand{
		Unknown: d.Unknown, Cut: d.Cut,
		Asked: func() (models []string, deferred bool, err error) {
			asked, err := d.Asked()
			return asked.Models, asked.Background, err
		},
	}
	if d.Costs {
		demand.Tokens = d.Estimate()
	}
	leave, refusal := h.gateway.EnterBudget(gateway.Spending{Agent: d.Agent, Run: d.Run, Provider: d.Provider, Model: d.Model, Demand: demand})
	if refusal != nil {
		return nil, &provider.Overspent{Model: refusal.Model, Day: refusal.Day, Retry: refusal.Retry, Message: refusal.Text + " (" + refusal.Key + " in the config)"}
	}
	return func(u provider.Usage) { leave(u.Total()) }, nil
}

// targetsOf are the targets of one snapshot of the config.
type targetsOf struct {
	snapshot *configs.Snapshot
	targets  map[string]provider.Target
}

// targets are the providers of the config, and those that need no entry. They are
// put together once for each snapshot: every call asks for them, some twice.
func (h *house) targets() map[string]provider.Target {
	snapshot := h.config.Current()
	if kept := h.lastTargets.Load(); kept != nil && kept.snapshot == snapshot {
		return kept.targets
	}
	made := &targetsOf{snapshot, targetsIn(snapshot.Config)}
	h.lastTargets.Store(made)
	return made.targets
}

func targetsIn(config *configs.Config) map[string]provider.Target {
	out := map[string]provider.Target{}
	for _, name := range configs.KnownProviders() {
		out[name] = provider.Target{Kind: name}
	}
	for name, p := range config.Providers {
		kind := p.Kind
		if kind == "" {
			kind = name
		}
		out[name] = provider.Target{Kind: kind, BaseURL: p.BaseURL, Paths: p.Paths}
	}
	return out
}

// providerAllowed holds an agent to the one provider that its config names.
func (h *house) providerAllowed(agent, name string) error {
	if agent == "" {
		return nil
	}
	return allowedProvider(h.config.Current(), agent, name)
}

// providerOf is the provider that an agent's own config names, if it speaks the
// API that the agent calls; an empty kind is any.
func (h *house) providerOf(agent, kind string) string {
	name := h.config.Current().Config.Agents[agent].Provider
	if kind != "" && h.targets()[name].Kind != kind {
		return ""
	}
	return name
}

func allowedProvider(snapshot *configs.Snapshot, agent, name string) error {
	own, exists := snapshot.Config.Agents[agent]
	if exists && (own.Provider == "" || own.Provider == name) {
		return nil
	}
	return &failure{err: errProviderNotAllowed, hint: configs.NamedKey("agents", agent) + ".provider"}
}
