package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"openclaw/configs"
	"openclaw/gateway/auth"
	"openclaw/gateway/certs"
	"openclaw/gateway/event"
	"openclaw/gateway/hub"
	"openclaw/gateway/wire"
)

// CheckStart says why a gateway would not start with a config: a protection that it
// cannot give, a certificate that does not load. now tells the time.
func CheckStart(snapshot *configs.Snapshot, now func() time.Time) error {
	if err := startable(snapshot); err != nil {
		return err
	}
	if !snapshot.Config.Gateway.TLS.Enabled {
		return nil
	}
	if err := certs.Check(snapshot.Config.Gateway.TLS, now); err != nil {
		return certificateError(err)
	}
	return nil
}

// checkConfig vetoes a config that the running gateway could not be started
// with.
func (g *Gateway) checkConfig(before, after *configs.Snapshot) error {
	if err := startable(after); err != nil {
		return err
	}
	return g.checkCertificates(before.Config.Gateway.TLS, after.Config.Gateway.TLS)
}

// applyConfig makes a new config true for what is open already.
func (g *Gateway) applyConfig(before, after *configs.Snapshot) {
	ctx := context.Background()
	changes, _ := configs.Diff(before, after)
	if err := g.deps.Audit(ctx, AuditEntry{Event: "config_change", User: operator, IP: "local", Action: "apply", Path: after.Path, Result: "success",
		Details: map[string]any{"version": after.Version, "changes": changes}}); err != nil {
		g.log.Error("a config change could not be audited", slog.Any("error", err))
		g.notice("error", "a config change could not be written to the audit log: "+err.Error())
	}
	g.log.Info("a config is in force", slog.Int("version", after.Version), slog.String("changes", strings.Join(changes, "; ")))
	was, is := before.Config.Gateway, after.Config.Gateway
	if was.Host != is.Host || was.Port != is.Port {
		g.notice("warn", "gateway.host and gateway.port take effect when the gateway starts again")
	}
	if !g.apart && len(is.TrustedProxies) > 0 {
		g.notice("warn", "gateway.trusted_proxies takes effect when the gateway starts again: agents then have an endpoint of their own")
	}
	g.applyCertificates(was.TLS, is.TLS)
	g.runs.policyChanged(after)
	g.recheckBudgets(after.Config)
	if is.RequireAuth && !was.RequireAuth {
		g.hub.CloseWhere(func(c *hub.Conn) bool { return c.Admission.Method == methodNone }, wire.CloseTokenChanged, "gateway auth changed")
		g.streams.cutWhere(func(one *stream) bool { return one.token.Zero() && one.caller == auth.Caller{} })
	}
	if was.Token != is.Token {
		g.lookSoon() // a keychain may take seconds, and this change must not wait
	}
	names := map[string]bool{}
	for _, snapshot := range []*configs.Snapshot{before, after} {
		for _, name := range snapshot.Agents() {
			names[name] = true
		}
	}
	for _, name := range sortedNames(names) {
		old, had := before.Config.Agents[name]
		now, has := after.Config.Agents[name]
		if old.Provider != now.Provider {
			g.streams.cut(func(caller auth.Caller) bool { return caller.Agent == name })
		}
		g.agentChanged(ctx, name, had, has)
		g.registry.TouchAgent(name)
	}
}

func (g *Gateway) agentChanged(ctx context.Context, name string, had, has bool) {
	if had == has {
		return
	}
	kind := "agent_create"
	if had {
		kind = "agent_delete"
	}
	if err := g.deps.Audit(ctx, AuditEntry{Event: kind, User: operator, IP: "local", Action: "config", Target: name, Result: "success"}); err != nil {
		g.log.Error("a change of the agents could not be audited", slog.Any("error", err))
	}
}

// configChanged shows every attempt to change the config.
func (g *Gateway) configChanged(status configs.Status) {
	out := configStatus(status, g.deps.Config.Current())
	if out.Rejected {
		g.log.Warn("the config on disk is rejected, the one before stays", slog.Int("version", out.Version), slog.Int("problems", len(out.Problems)))
	}
	g.deps.Bus.Publish(event.Event{Kind: event.KindConfig, Config: &out})
}

func (g *Gateway) configStatus() event.ConfigStatus {
	return g.maskedStatus(configStatus(g.deps.Config.Status(), g.deps.Config.Current()))
}

// notInForce is a sentence for who starts a run after an edit that did not take: what
// they wrote last holds for nobody.
func (g *Gateway) notInForce() []string {
	status := g.deps.Config.Status()
	if !status.Rejected {
		return nil
	}
	return []string{fmt.Sprintf("the config on disk is rejected, and this run has that of version %d", status.Version) + g.mistake()}
}

// mistake is the first one of a config on disk that is rejected, after a colon.
func (g *Gateway) mistake() string {
	status := g.deps.Config.Status()
	first := slices.IndexFunc(status.Problems, func(p configs.Problem) bool { return !p.Warning })
	if !status.Rejected || first < 0 {
		return ""
	}
	return ": " + g.deps.Masker.Text(status.Problems[first].String())
}

// maskedStatus takes secrets out of what is said of a config: a key may stand where
// none belongs, as a name. What it holds is its own, as a status is made anew each time,
// but for lists of the store, which are copied.
func (g *Gateway) maskedStatus(status event.ConfigStatus) event.ConfigStatus {
	clean := g.deps.Masker.Text
	all := func(lines []string) []string {
		out := slices.Clone(lines)
		for i := range out {
			out[i] = clean(out[i])
		}
		return out
	}
	for i := range status.Problems {
		p := &status.Problems[i]
		p.File, p.Key, p.Message = clean(p.File), clean(p.Key), clean(p.Message)
	}
	status.Changes, status.Diff = all(status.Changes), all(status.Diff)
	for i := range status.History {
		h := &status.History[i]
		h.By, h.Lost, h.Changes = clean(h.By), clean(h.Lost), all(h.Changes)
	}
	return status
}

// configStatus is the state of the config as it is shown. What the active one says
// of the screen goes with it: the screen need not be able to open the file.
func configStatus(in configs.Status, active *configs.Snapshot) event.ConfigStatus {
	out := event.ConfigStatus{Path: in.Path, Version: in.Version, Active: in.Active, Rejected: in.Rejected, Changes: in.Changes, Diff: in.Diff}
	out.Problems = configProblems(in.Problems)
	for _, h := range in.History {
		out.History = append(out.History, event.Applied{Version: h.Version, Time: h.Time, By: h.By, Changes: h.Changes, Kept: h.Kept, Lost: h.Lost})
	}
	screen := active.Config.Screen
	out.Screen = &event.Screen{Theme: screen.Theme, Glyphs: screen.Glyphs, Mouse: screen.Mouse, Bell: screen.Bell, Notifications: screen.Notifications, Confirm: active.Config.Approve.Confirm}
	for _, name := range slices.Sorted(maps.Keys(screen.Filters)) {
		out.Screen.Filters = append(out.Screen.Filters, event.Filter{Name: name, Line: screen.Filters[name]})
	}
	for _, action := range slices.Sorted(maps.Keys(screen.Keys)) {
		out.Screen.Keys = append(out.Screen.Keys, event.KeyBinding{Action: action, Keys: screen.Keys[action]})
	}
	return out
}

func configProblems(in []configs.Problem) []event.Problem {
	var out []event.Problem
	for _, p := range in {
		message := p.Message
		if p.Hint != "" {
			message += " (" + p.Hint + ")"
		}
		out = append(out, event.Problem{File: p.File, Line: p.Line, Column: p.Column, Key: p.Key, Message: message, Warning: p.Warning})
	}
	return out
}

// tryConfig says what reading the file again would come to, and reads it for nothing else.
func (g *Gateway) tryConfig(context.Context, *hub.Call) (any, error) {
	trial := g.deps.Config.Try()
	masked := g.maskedStatus(event.ConfigStatus{Problems: configProblems(trial.Problems), Changes: trial.Changes})
	return event.ConfigTrial{Path: g.deps.Layout.Config(), Refused: trial.Refused, Problems: masked.Problems, Changes: masked.Changes}, nil
}

// reloadConfig reads the file again. A file that is refused is not an error of
// the method: the status says what is wrong with it.
func (g *Gateway) reloadConfig(_ context.Context, call *hub.Call) (any, error) {
	err := g.deps.Config.Reload("reload")
	var refused *configs.Error
	if err != nil && !errors.As(err, &refused) {
		return nil, err
	}
	if failed := g.ReloadCertificates(); failed != nil && err == nil {
		return nil, wire.Unavailable(failed.Error(), "the certificates before stay in use; see 'openclaw cert check'")
	}
	g.log.Info("a client asked for the config to be read again", slog.String("client", call.Conn.Client.ID))
	return g.configStatus(), nil
}

// agentRow is one agent as the config and the present have it.
func (g *Gateway) agentRow(name string) (event.Agent, bool) {
	snapshot := g.deps.Config.Current()
	settings, known := snapshot.Config.Agents[name]
	if !known {
		return event.Agent{}, false
	}
	row := event.Agent{
		Name: name, Role: settings.Role, Workspace: settings.Workspace, State: "stopped",
		Runs: g.registry.Runs(name), Denied: g.registry.Denied(name), Conns: g.registry.Open(name),
	}
	compiled, err := snapshot.Policy(name)
	if err != nil {
		row.State, row.Problem = "invalid", err.Error()
	} else {
		row.Workspace = compiled.Workspace
	}
	for _, run := range row.Runs {
		if run.Ended.IsZero() {
			row.State = "running"
		}
	}
	return row, true
}

func (g *Gateway) listAgents(context.Context, *hub.Call) (any, error) {
	rows := []event.Agent{}
	for _, name := range g.deps.Config.Current().Agents() {
		if row, known := g.agentRow(name); known {
			rows = append(rows, g.shownAgent(row))
		}
	}
	return wire.AgentsResult{Agents: rows}, nil
}

func (g *Gateway) showAgent(_ context.Context, call *hub.Call) (any, error) {
	var params wire.AgentParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	if err := g.knownAgent(params.Name); err != nil {
		return nil, err
	}
	row, _ := g.agentRow(params.Name)
	row = g.shownAgent(row)
	if compiled, err := g.deps.Config.Current().Policy(params.Name); err == nil {
		row.Policy, row.PolicyMasked = event.MaskedPolicy(compiled, g.deps.Masker.Text)
	}
	return row, nil
}

// shownAgent takes secrets out of a row, but for the name, by which it is asked for.
func (g *Gateway) shownAgent(row event.Agent) event.Agent {
	name := row.Name
	row = event.Masked(row, g.deps.Masker.Text)
	row.Name = name
	return row
}

// knownAgent refuses a name that cannot be one, and one that the config does
// not have.
func (g *Gateway) knownAgent(name string) error {
	if !configs.ValidName(name) {
		return wire.Invalid("an agent's name is 1 to 64 of a-z, 0-9, '.', '_' and '-'")
	}
	snapshot := g.deps.Config.Current()
	if _, known := snapshot.Config.Agents[name]; known {
		return nil
	}
	hint := "add it below agents: in the config"
	if names := snapshot.Agents(); len(names) > 0 {
		hint = "the config has " + strings.Join(names, ", ")
	}
	if mistake := g.mistake(); mistake != "" { // it may stand there
		hint = "the config on disk is rejected, so what it has is not known" + mistake
	}
	return wire.NotFound("there is no agent "+name, hint)
}
