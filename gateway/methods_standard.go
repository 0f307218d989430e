package gateway

import (
	"context"
	"encoding/json"
	"net/netip"
	"runtime"
	"strings"

	"gopkg.in/yaml.v3"

	"openclaw/configs"
	"openclaw/gateway/auth"
	"openclaw/gateway/event"
	"openclaw/gateway/hub"
	"openclaw/gateway/wire"
)

type object = map[string]any

// standardMethods are the published protocol's, as far as they are there, but
// for those of conversations.
func (g *Gateway) standardMethods() []hub.Method {
	read := func(name string, handle func(context.Context, *hub.Call) (any, error)) hub.Method {
		return hub.Method{Name: name, Scope: auth.ScopeRead, Handle: handle}
	}
	quick := func(name string, scope auth.Scope, handle func(*hub.Call) (any, error)) hub.Method {
		return hub.Method{Name: name, Scope: scope, Quick: true, Handle: func(_ context.Context, call *hub.Call) (any, error) { return handle(call) }}
	}
	fixed := func(name string, scope auth.Scope, answer any) hub.Method {
		return quick(name, scope, func(*hub.Call) (any, error) { return answer, nil })
	}
	return []hub.Method{
		quick("health", "", func(*hub.Call) (any, error) { return g.health(), nil }),
		read("status", func(ctx context.Context, _ *hub.Call) (any, error) { return g.status(ctx) }),
		quick("system-presence", auth.ScopeRead, func(*hub.Call) (any, error) { return g.presence(), nil }),
		read("logs.tail", g.logsTail),
		read("config.get", g.configGet),
		quick("agents.list", auth.ScopeRead, func(*hub.Call) (any, error) { return g.agentsList(), nil }),
		fixed("question.list", auth.ScopeQuestions, object{"questions": []any{}}),
		fixed("plugin.approval.list", auth.ScopeApprovals, []any{}),
		fixed("commands.list", auth.ScopeRead, object{"commands": []any{}}),
		fixed("device.pair.list", auth.ScopePairing, object{"pending": []any{}, "paired": []any{}}),
		fixed("exec.approvals.get", auth.ScopeAdmin, object{"path": "[none]", "exists": false, "hash": "none", "file": object{"version": 1}}),
	}
}

func noModel() object { return object{"modelProvider": nil, "model": nil, "contextTokens": nil} }

// healthResult holds no more than the published schema knows: it is part of
// the hello, where the schema allows nothing else.
type healthResult struct {
	OK         bool  `json:"ok"`
	TS         int64 `json:"ts"` // Unix milliseconds
	DurationMS int64 `json:"durationMs"`
}

func (g *Gateway) health() healthResult {
	return healthResult{OK: true, TS: g.deps.Now().UnixMilli()}
}

func (g *Gateway) status(ctx context.Context) (object, error) {
	recent, total, err := g.chats.recent(ctx)
	if err != nil {
		return nil, err
	}
	agent := g.defaultAgent()
	return object{
		"runtimeVersion": g.deps.Version, "uptimeMs": g.uptime().Milliseconds(), "channelSummary": []any{}, "queuedSystemEvents": []any{},
		"degradedSecretOwners": []any{}, "degradedPlugins": []any{},
		"sessions": object{"count": total, "paths": []any{}, "recent": recent, "byAgent": []any{}, "defaults": g.chats.defaults(agent)},
		"messages": g.chats.engine.Messages(), // kept since the start
		"agents":   len(g.deps.Config.Current().Config.Agents), "running": g.registry.RunningAgents(), "connections": g.hub.Count(),
	}, nil
}

func (g *Gateway) selfPresence() wire.Presence {
	return wire.Presence{Host: "gateway", Version: g.deps.Version, Platform: runtime.GOOS, Mode: "gateway", Reason: "self", InstanceID: g.boot, TS: g.deps.Now().UnixMilli(), Text: "Gateway"}
}

func (g *Gateway) presence() []wire.Presence {
	out := []wire.Presence{g.selfPresence()}
	clean := g.deps.Masker.Text // of a client's own words
	for _, c := range g.hub.Conns() {
		entry := wire.Presence{
			Host: clean(c.Client.ID), IP: hostOf(c.Peer.From), Version: clean(c.Client.Version), Platform: clean(c.Client.Platform), Mode: clean(c.Client.Mode), Reason: "connect",
			InstanceID: clean(c.Client.InstanceID), Scopes: c.Admission.Scopes.Strings(), TS: c.Opened.UnixMilli(), Text: clean(clientName(c.Client)),
		}
		out = append(out, entry)
	}
	return out
}

// hostOf leaves the port out.
func hostOf(from string) string {
	if address, err := netip.ParseAddrPort(from); err == nil {
		return address.Addr().String()
	}
	return from
}

func (g *Gateway) logsTail(_ context.Context, call *hub.Call) (any, error) {
	params := struct {
		Cursor   int64 `json:"cursor"`
		Limit    int   `json:"limit"`
		MaxBytes int   `json:"maxBytes"`
	}{Limit: 500, MaxBytes: 250_000}
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	if params.Cursor < 0 || params.Limit < 1 || params.Limit > 5000 || params.MaxBytes < 1 || params.MaxBytes > 1_000_000 {
		return nil, wire.Invalid("invalid logs.tail params: limit is 1 to 5000, maxBytes 1 to 1000000, cursor not negative")
	}
	if g.deps.LogFrom == nil {
		return nil, wire.Unavailable("this gateway keeps no log", "")
	}
	chunk, err := g.deps.LogFrom(params.Cursor, params.Limit, params.MaxBytes)
	if err != nil {
		return nil, err
	}
	if chunk.Lines == nil {
		chunk.Lines = []string{}
	}
	return object{"file": "gateway.log", "cursor": chunk.Cursor, "size": chunk.Size, "lines": chunk.Lines, "truncated": chunk.Truncated, "reset": chunk.Reset}, nil
}

// configGet shows the effective config. The file's own text stays where it is:
// a comment may hold what no rule knows.
func (g *Gateway) configGet(_ context.Context, call *hub.Call) (any, error) {
	snapshot := g.deps.Config.Current()
	shown, err := configs.Show(snapshot)
	if err != nil {
		return nil, err
	}
	clean := g.deps.Masker.Text
	raw := strings.ReplaceAll(string(shown), "••••", wire.Redacted)
	var tree object
	if err := yaml.Unmarshal([]byte(raw), &tree); err != nil {
		return nil, err
	}
	// Nothing writes a config back that it got here: this protocol has no method for it.
	raw, tree = clean(raw), event.Masked(tree, clean)
	redactTree(tree)
	parsed, err := json.Marshal(tree)
	if err != nil {
		return nil, err
	}
	path := "[redacted]"
	if call.Conn.Admission.Scopes.Has(auth.ScopeAdmin) {
		path = snapshot.Path
	}
	status := g.deps.Config.Status()
	issues, warnings := []object{}, []object{}
	for _, p := range status.Problems {
		entry := object{"path": clean(p.Key), "message": clean(p.String())}
		if p.Warning {
			warnings = append(warnings, entry)
		} else {
			issues = append(issues, entry)
		}
	}
	return object{
		"path": path, "exists": true, "raw": raw, "parsed": json.RawMessage(parsed), "resolved": json.RawMessage(parsed), "config": json.RawMessage(parsed),
		"sourceConfig": json.RawMessage(parsed), "runtimeConfig": json.RawMessage(parsed),
		"valid": !status.Rejected, "issues": issues, "warnings": warnings, "hash": snapshot.Hash, "appliedConfigHash": snapshot.Hash, "configRevisionHash": snapshot.Hash,
	}, nil
}

// redactTree takes the values of secret fields out, references too: the
// protocol's clients expect one word there.
func redactTree(tree any) {
	switch node := tree.(type) {
	case object:
		for key, value := range node {
			if text, is := value.(string); is && text != "" && (key == "api_key" || key == "gateway_token") {
				node[key] = wire.Redacted
				continue
			}
			redactTree(value)
		}
	case []any:
		for _, value := range node {
			redactTree(value)
		}
	}
}

func (g *Gateway) defaultAgent() string {
	if names := g.deps.Config.Current().Agents(); len(names) > 0 {
		return names[0]
	}
	return "main"
}

func (g *Gateway) agentsList() object {
	snapshot := g.deps.Config.Current()
	agents := []object{}
	for _, name := range snapshot.Agents() {
		entry := object{"id": name, "name": name}
		if model := snapshot.Config.Agents[name].Model; model != "" {
			entry["model"] = object{"primary": model}
		}
		agents = append(agents, entry)
	}
	return object{"defaultId": g.defaultAgent(), "mainKey": "main", "scope": "per-sender", "agents": agents}
}
