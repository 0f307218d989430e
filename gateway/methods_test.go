package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"openclaw/configs"
	"openclaw/gateway/client"
	"openclaw/gateway/event"
	"openclaw/gateway/wire"
)

func TestBrokenConfigKeepsTheOldOneAndSaysWhere(t *testing.T) {
	h := start(t, "")
	screen := client.NewBackend(h.local(), nil)
	sub := h.bus.Subscribe(10, event.KindConfig)
	defer sub.Close()
	if err := os.WriteFile(h.layout.Config(), []byte("gateway:\n  prot: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	trial, err := screen.ValidateConfig(t.Context())
	if err != nil || !trial.Refused || trial.Path != h.layout.Config() || len(trial.Problems) == 0 || trial.Problems[0].Line != 2 {
		t.Fatalf("%+v %v", trial, err)
	}
	if status, err := screen.Config(t.Context()); err != nil || status.Rejected {
		t.Fatalf("a trial was a reload: %+v %v", status, err)
	}
	status, err := screen.ReloadConfig(t.Context())
	if err != nil || !status.Rejected || len(status.Problems) == 0 || status.Problems[0].Line != 2 {
		t.Fatalf("%+v %v", status, err)
	}
	if e := <-sub.C(); !e.Config.Rejected {
		t.Fatalf("%+v", e.Config)
	}
	if agents, err := screen.Agents(t.Context()); err != nil || len(agents) != 2 {
		t.Fatal(agents, err)
	}
	local := h.local() // who starts a run now is told, and by what it is held
	if said := startRun(t, local, "coder").Unsupported; len(said) != 1 || !strings.Contains(said[0], "this run has that of version 1: ") || !strings.Contains(said[0], "config.yaml:2:3: gateway.prot") {
		t.Errorf("%q", said)
	}
	refusal := refusalOf(t, local.Call(t.Context(), wire.MethodRunStart, wire.RunStartParams{Agent: "new", Command: []string{"true"}}, nil))
	if hint := fmt.Sprint(refusal.Details); !strings.Contains(hint, "rejected") || !strings.Contains(hint, "gateway.prot") {
		t.Errorf("an agent that may stand in what is rejected: %s", hint)
	}
	h.writeConfig("", asksConfig)
	if said := startRun(t, local, "coder").Unsupported; len(said) != 0 {
		t.Errorf("%q", said)
	}
}

func TestSecretsByTheScreensBackend(t *testing.T) {
	h := start(t, "")
	screen := client.NewBackend(h.local(), func(context.Context) (*client.Client, error) {
		return client.Dial(t.Context(), client.Options{Socket: h.layout.Socket()})
	})
	const canary = "sk-ant-canary-value"
	value := []byte(canary)
	if err := screen.StoreSecret(t.Context(), "anthropic", value); err != nil {
		t.Fatal(err)
	}
	if strings.Trim(string(value), "\x00") != "" {
		t.Fatal("the value was not wiped")
	}
	if stored, err := h.memory.Get(t.Context(), "anthropic"); err != nil || string(stored.Reveal()) != canary {
		t.Fatal(err)
	}
	if err := screen.Reconnect(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = screen.Close() }()
	store, rows, err := screen.Secrets(t.Context())
	if err != nil || store.Backend != "memory" || len(rows) < 2 {
		t.Fatal(store, rows, err)
	}
	if test, err := screen.TestSecret(t.Context(), "anthropic"); err != nil || !test.OK || test.Source != "memory" || len(test.Unknown) != 1 {
		t.Fatal(test, err)
	}
	if test, err := screen.TestSecret(t.Context(), "nobody"); err != nil || test.OK || !strings.Contains(test.Problem, "store it first") {
		t.Fatal(test, err)
	}
	if err := screen.DeleteSecret(t.Context(), "anthropic"); err != nil {
		t.Fatal(err)
	}
	if refusal := refusalOf(t, screen.DeleteSecret(t.Context(), "anthropic")); refusal.Code != wire.CodeNotFound {
		t.Fatal(refusal)
	}
	if _, err := screen.UnlockVault(t.Context(), []byte("wrong")); refusalOf(t, err).Code != wire.CodeInvalidRequest {
		t.Fatal(err)
	}
	if _, err := screen.UnlockVault(t.Context(), []byte("right passphrase")); err != nil {
		t.Fatal(err)
	}
	all, err := json.Marshal(h.audited("secret_access"))
	if err != nil || strings.Contains(string(all), canary) || len(h.audited("secret_access")) < 5 {
		t.Fatalf("%v %s", err, all)
	}
	h.breakAudit(errors.New("disk full"))
	if err := screen.StoreSecret(t.Context(), "x", []byte("y")); err == nil {
		t.Fatal("a secret was stored without a record")
	}
	if _, err := h.memory.Get(t.Context(), "x"); err == nil {
		t.Fatal("it was refused and stored")
	}
}

func TestStandardMethodsAnswerInTheirShape(t *testing.T) {
	h := start(t, "")
	c := h.remote("operator.admin")
	for method, keys := range map[string][]string{
		"health": {"ok", "ts", "durationMs"}, "status": {"runtimeVersion"}, "agents.list": {"defaultId", "mainKey", "scope", "agents"},
		"logs.tail": {"file", "cursor", "size", "lines"}, "config.get": {"path", "exists", "raw", "parsed", "valid", "issues", "hash"},
		"sessions.subscribe": {"subscribed"}, "sessions.list": {"ts", "count", "sessions", "defaults"},
		"question.list": {"questions"}, "commands.list": {"commands"}, "device.pair.list": {"pending", "paired"}, "exec.approvals.get": {"file"},
	} {
		var answer map[string]any
		if err := c.Call(t.Context(), method, map[string]any{}, &answer); err != nil {
			t.Errorf("%s: %v", method, err)
			continue
		}
		for _, key := range keys {
			if answer[key] == nil {
				t.Errorf("%s lacks %s", method, key)
			}
		}
	}
	var list []any
	if err := c.Call(t.Context(), "plugin.approval.list", nil, &list); err != nil || list == nil {
		t.Error(list, err)
	}
	if err := c.Call(t.Context(), "system-presence", nil, &list); err != nil || len(list) < 2 {
		t.Error(list, err)
	}
	if err := c.Call(t.Context(), "chat.history", map[string]string{"sessionKey": "agent:main:main"}, nil); err != nil {
		t.Error(err)
	}
	if refusal := refusalOf(t, c.Call(t.Context(), "no.such", nil, nil)); refusal.Message != "unknown method: no.such" {
		t.Error(refusal)
	}
	if refusal := refusalOf(t, c.Call(t.Context(), "logs.tail", map[string]int{"limit": 5001}, nil)); refusal.Code != wire.CodeInvalidRequest {
		t.Error(refusal)
	}
}

func TestConfigGetShowsNoSecret(t *testing.T) {
	h := start(t, "")
	const canary = "sk-ant-api03-literal-canary"
	h.writeConfig("  gateway_token: literal-token-canary\n", "providers:\n  anthropic:\n    api_key: "+canary+"\n")
	var raw json.RawMessage
	if err := h.remote("operator.read").Call(t.Context(), "config.get", nil, &raw); err == nil {
		if strings.Contains(string(raw), "canary") || strings.Contains(string(raw), h.layout.Root+"/config") {
			t.Fatalf("%s", raw)
		}
		if !strings.Contains(string(raw), wire.Redacted) {
			t.Fatalf("the marker is missing: %s", raw)
		}
	} else {
		t.Fatal(err)
	}
	// Where a secret lies is not a reader's business either: its place holds the one word
	// that the protocol's clients know.
	h.writeConfig("", "providers:\n  anthropic:\n    api_key: keychain://openclaw/a-place\n")
	var shown struct {
		Parsed struct {
			Providers map[string]map[string]any
		}
	}
	if err := h.remote("operator.read").Call(t.Context(), "config.get", nil, &shown); err != nil || shown.Parsed.Providers["anthropic"]["api_key"] != "__OPENCLAW_REDACTED__" {
		t.Fatalf("%v %+v", err, shown)
	}
}

func TestScreensBackendReadsEverything(t *testing.T) {
	h := start(t, "")
	screen := client.NewBackend(h.local(), nil)
	if lines, err := screen.Logs(t.Context(), 10); err != nil || len(lines) != 1 {
		t.Error(lines, err)
	}
	if entries, err := screen.Audit(t.Context(), time.Hour, 10); err != nil || len(entries) != 1 {
		t.Error(entries, err)
	}
	if rows, err := screen.Connections(t.Context()); err != nil || len(rows) == 0 || rows[len(rows)-1].Kind != "unix" || rows[len(rows)-1].Auth != "peer credentials" {
		t.Error(rows, err)
	}
	_ = h.local().Close()
	until(t, "the end of another client", func() bool {
		rows, err := screen.Connections(t.Context())
		return err == nil && len(rows) == 2 && slices.ContainsFunc(rows, func(c event.Connection) bool { return !c.Closed.IsZero() })
	})
	if rows, err := screen.Sockets(t.Context()); err != nil || len(rows) != 1 || rows[0].Kind != "unix" || rows[0].BytesIn == 0 || rows[0].BytesOut == 0 {
		t.Error(rows, err)
	}
	if status, err := screen.Config(t.Context()); err != nil || status.Version != 1 {
		t.Error(status, err)
	}
	if err := screen.StopGateway(t.Context()); err != nil {
		t.Error(err)
	}
	until(t, "the gateway ends", func() bool { _, err := h.dial(client.Options{Socket: h.layout.Socket()}); return err != nil })
}

func TestModelCallIsShownAndAudited(t *testing.T) {
	h := start(t, "")
	call := Call{ID: "1", Provider: "anthropic", Agent: "coder", Run: "r", Method: "POST", Path: "/v1/messages", Started: time.Now()}
	h.CallStarted(call)
	if h.registry.Open("coder") != 1 {
		t.Fatal("the live call is not shown")
	}
	call.Status, call.BytesIn, call.BytesOut, call.Duration = 200, 10, 20, time.Second
	h.CallFinished(call)
	until(t, "the audit entry", func() bool { return len(h.audited("api_call")) == 1 })
	if e := h.audited("api_call")[0]; e.User != "coder" || e.Target != "anthropic" || e.Result != "success" {
		t.Fatalf("%+v", e)
	}
	if h.registry.Open("coder") != 0 {
		t.Fatal("the call is still open")
	}
}

func TestWatcherThatSubscribesTwiceGetsEachEventOnce(t *testing.T) {
	h := start(t, "")
	c := h.local()
	for range 3 {
		if err := c.Call(t.Context(), wire.MethodSubscribe, wire.SubscribeParams{Kinds: []event.Kind{event.KindNotice}}, nil); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "one subscription is left", func() bool { h.watchers.mu.Lock(); defer h.watchers.mu.Unlock(); return len(h.watchers.cancel) == 1 })
	h.notice("info", "one")
	h.notice("info", "two")
	for _, want := range []string{"one", "two"} {
		var e event.Event
		if err := json.Unmarshal((<-c.Events()).Payload, &e); err != nil || e.Notice == nil || e.Notice.Text != want {
			t.Fatalf("%+v, want %s", e.Notice, want)
		}
	}
	_ = c.Close()
	until(t, "the subscription goes with its socket", func() bool { h.watchers.mu.Lock(); defer h.watchers.mu.Unlock(); return len(h.watchers.cancel) == 0 })
}

// The published schema allows no other field in these parts of a hello, and
// clients that check it refuse one.
func TestHelloHoldsNoFieldThatTheSchemaForbids(t *testing.T) {
	h := start(t, "")
	var hello map[string]any
	raw, err := json.Marshal(h.remote("operator.read").Hello())
	if err != nil || json.Unmarshal(raw, &hello) != nil {
		t.Fatal(err)
	}
	allowed := map[string][]string{
		"":         {"type", "protocol", "server", "features", "snapshot", "auth", "policy"},
		"server":   {"version", "bootId", "connId"},
		"features": {"methods", "events"},
		"snapshot": {"presence", "health", "stateVersion", "uptimeMs", "sessionDefaults"},
		"health":   {"ok", "ts", "durationMs"},
		"auth":     {"role", "scopes"},
		"policy":   {"maxPayload", "maxBufferedBytes", "tickIntervalMs"},
	}
	parts := map[string]map[string]any{"": hello}
	for _, name := range []string{"server", "features", "snapshot", "auth", "policy"} {
		parts[name], _ = hello[name].(map[string]any)
	}
	parts["health"], _ = parts["snapshot"]["health"].(map[string]any)
	for name, part := range parts {
		if len(part) == 0 {
			t.Errorf("%q is missing", name)
		}
		for key := range part {
			if !slices.Contains(allowed[name], key) {
				t.Errorf("%q has the field %s", name, key)
			}
		}
	}
}

// A running gateway takes no config that it would not have started with.
func TestConfigThatAsksForWhatIsNotBuiltIsVetoed(t *testing.T) {
	h := start(t, "")
	text := "gateway:\n  encryption:\n    enabled: true\n"
	if err := os.WriteFile(h.layout.Config(), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var status event.ConfigStatus
	if err := h.local().Call(t.Context(), wire.MethodConfigReload, nil, &status); err != nil {
		t.Fatal(err)
	}
	if !status.Rejected || h.store.Current().Config.Gateway.Encryption.Enabled {
		t.Fatalf("%+v", status)
	}
}

// plainMasker can hide nothing.
type plainMasker struct{ noMasker }

func (plainMasker) Add(string, []byte) bool { return false }

func TestSecretThatCannotBeHiddenIsSaid(t *testing.T) {
	h := build(t, configs.Layout{Root: filepath.Join(shortDir(t), "s")}, freePort(t), "", func(d *Deps) { d.Masker = plainMasker{} }).run()
	sub := h.bus.Subscribe(100, event.KindNotice)
	defer sub.Close()
	if err := h.local().Call(t.Context(), wire.MethodSecretSet, wire.SecretSetParams{Name: "short", Value: []byte("abc")}, nil); err != nil {
		t.Fatal(err)
	}
	if e := <-sub.C(); !strings.Contains(e.Notice.Text, "short") || !strings.Contains(e.Notice.Text, "kept out of logs") || strings.Contains(e.Notice.Text, "abc") {
		t.Fatal(e.Notice.Text)
	}
}
