package gateway

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"openclaw/configs"
	"openclaw/gateway/client"
	"openclaw/gateway/event"
	"openclaw/gateway/wire"
)

func TestSecondGatewayNamesTheFirst(t *testing.T) {
	h := start(t, "")
	second := build(t, h.layout, freePort(t), "", nil)
	err := second.Run(t.Context())
	failure, is := errors.AsType[*Error](err)
	if !is || failure.Kind != KindRunning || failure.PID != os.Getpid() || failure.Hint == "" ||
		err.Error() != "lock state folder: a gateway already runs (pid "+strconv.Itoa(os.Getpid())+")" {
		t.Fatal(err)
	}
	if err := h.local().Call(t.Context(), "health", nil, nil); err != nil {
		t.Fatal("the first suffers:", err)
	}
}

func TestTakenPortNamesItsHolder(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	h := build(t, configs.Layout{Root: filepath.Join(shortDir(t), "s")}, listener.Addr().(*net.TCPAddr).Port, "", nil)
	err = h.Run(t.Context())
	failure, is := errors.AsType[*Error](err)
	if !is || failure.Kind != KindPortTaken || !strings.Contains(failure.Hint, "gateway.port") {
		t.Fatal(err)
	}
	if runtime.GOOS == "linux" && (failure.PID != os.Getpid() || !strings.Contains(err.Error(), "(pid "+strconv.Itoa(os.Getpid())+")")) {
		t.Fatal(err)
	}
	if _, err := os.Lstat(h.layout.Socket()); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal("a socket is left:", err)
	}
}

func TestSocketOfADeadGatewayIsReplacedAndAFileIsNot(t *testing.T) {
	h := build(t, configs.Layout{Root: filepath.Join(shortDir(t), "s")}, freePort(t), "", nil)
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: h.layout.Socket(), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	h.run()
	info, err := os.Lstat(h.layout.Socket())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info.Mode(), err)
	}
	if folder, err := os.Stat(h.layout.Run()); err != nil || folder.Mode().Perm() != 0o700 {
		t.Fatal(folder.Mode(), err)
	}
	if err := h.local().Call(t.Context(), "health", nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(h.layout.Socket()); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal("the socket is left after the stop:", err)
	}
	if err := os.WriteFile(h.layout.Socket(), []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	again := build(t, h.layout, freePort(t), "", nil)
	if err := again.Run(t.Context()); err == nil {
		t.Fatal("it started over a file")
	}
	if kept, _ := os.ReadFile(h.layout.Socket()); string(kept) != "precious" {
		t.Fatal("a file was removed")
	}
}

func TestUnsafeConfigsDoNotStart(t *testing.T) {
	for name, lines := range map[string]string{
		"message encryption": "  encryption:\n    enabled: true\n",
	} {
		t.Run(name, func(t *testing.T) {
			h := build(t, configs.Layout{Root: filepath.Join(shortDir(t), "s")}, freePort(t), lines, nil)
			failure, is := errors.AsType[*Error](h.Run(t.Context()))
			if !is || failure.Kind != KindRefused || failure.Hint == "" {
				t.Fatal(failure)
			}
		})
	}
	for _, host := range []string{"0.0.0.0", "::", "192.168.1.5", "example.com"} {
		if _, err := loopback(host); err == nil {
			t.Error(host, "is taken for loopback")
		}
	}
	for _, host := range []string{"127.0.0.1", "localhost", "::1", "127.0.0.2"} {
		if _, err := loopback(host); err != nil {
			t.Error(err)
		}
	}
}

func TestGatewayDoesNotStartWithoutItsAuditLog(t *testing.T) {
	h := build(t, configs.Layout{Root: filepath.Join(shortDir(t), "s")}, freePort(t), "", nil)
	h.breakAudit(errors.New("no space left on device"))
	if err := h.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Fatal(err)
	}
}

func TestStopLetsStreamsEndTellsSocketsAndLeavesNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	release := make(chan struct{})
	h := build(t, configs.Layout{Root: filepath.Join(shortDir(t), "s")}, freePort(t), "", func(d *Deps) {
		d.Provider = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintln(w, "data: first")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-release:
			case <-r.Context().Done():
			}
			fmt.Fprintln(w, "data: last")
		})
		d.Grace = 5 * time.Second
	}).run()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+h.Address().String()+"/v1/messages", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Api-Key", h.token)
	transport := &http.Transport{}
	response, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewReader(response.Body)
	if line, err := lines.ReadString('\n'); err != nil || line != "data: first\n" {
		t.Fatal(line, err)
	}
	c := h.local()
	var told wire.Event
	if err := c.Call(t.Context(), wire.MethodGatewayStop, nil, nil); err != nil {
		t.Fatal("the answer to stop did not arrive:", err)
	}
	for e := range c.Events() {
		told = e
	}
	if told.Event != wire.EventShutdown || !strings.Contains(c.Err().Error(), "gateway stopping") {
		t.Fatal(told.Event, c.Err())
	}
	close(release)
	if rest, err := io.ReadAll(lines); err != nil || string(rest) != "data: last\n" {
		t.Fatalf("the stream was cut: %q %v", rest, err)
	}
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	transport.CloseIdleConnections()
	if len(h.audited("gateway_start")) != 1 || len(h.audited("gateway_stop")) != 1 {
		t.Fatal("start and stop are not audited")
	}
	if _, err := h.dial(client.Options{Socket: h.layout.Socket()}); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal("what the command line looks for is not in the error:", err)
	}
	until(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= before+1 })
}

func TestStreamThatNeverEndsIsCutAfterTheGrace(t *testing.T) {
	h := build(t, configs.Layout{Root: filepath.Join(shortDir(t), "s")}, freePort(t), "", func(d *Deps) {
		d.Provider = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			panic(http.ErrAbortHandler)
		})
		d.Grace = 100 * time.Millisecond
	}).run()
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+h.Address().String()+"/v1/messages", nil)
	r.Header.Set("X-Api-Key", h.token)
	response, err := (&http.Transport{}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(response.Body); err == nil {
		t.Fatal("a cut stream looks like a clean end")
	}
}

// startRun begins a run as the supervisor does.
func startRun(t *testing.T, c *client.Client, agent string) wire.RunStarted {
	t.Helper()
	var run wire.RunStarted
	if err := c.Call(t.Context(), wire.MethodRunStart, wire.RunStartParams{Agent: agent, Command: []string{"sh", "-c", "true"}, PID: os.Getpid()}, &run); err != nil {
		t.Fatal(err)
	}
	return run
}

func TestRunGetsItsPolicyItsTokenAndNothingElse(t *testing.T) {
	h := start(t, "")
	local := h.local()
	run := startRun(t, local, "coder")
	if run.Policy == nil || run.Policy.Agent != "coder" || run.Gateway != h.Address().String() || len(run.Command) != 3 {
		t.Fatalf("%+v", run)
	}
	base := "http://" + h.Address().String()
	environment := strings.Join(run.Env, "\n")
	for _, want := range []string{"ANTHROPIC_BASE_URL=" + base + "\n", "ANTHROPIC_AUTH_TOKEN=" + run.Token, "ANTHROPIC_API_KEY=" + run.Token, "OPENAI_BASE_URL=" + base + "/v1", "OPENAI_API_KEY=" + run.Token, "OPENCLAW_AGENT=coder", "OPENCLAW_AGENT_TOKEN=" + run.Token} {
		if !strings.Contains(environment, want) {
			t.Errorf("the environment lacks %q", want)
		}
	}
	if strings.Contains(environment, h.token) {
		t.Fatal("the gateway's own token is in an agent's environment")
	}
	starts := h.audited("run_start")
	if len(starts) != 1 || starts[0].Target != "coder" || starts[0].Details["run"] != run.Run {
		t.Fatalf("%+v", starts)
	}
	for name, test := range map[string]struct{ agent, code, text string }{
		"unknown":    {"codr", wire.CodeNotFound, "there is no agent codr"},
		"climbs":     {"../coder", wire.CodeInvalidRequest, "name"},
		"climbs two": {"a..b", wire.CodeInvalidRequest, "name"},
		"empty":      {"", wire.CodeInvalidRequest, "name"},
	} {
		refusal := refusalOf(t, local.Call(t.Context(), wire.MethodRunStart, wire.RunStartParams{Agent: test.agent, Command: []string{"x"}}, nil))
		if refusal.Code != test.code || !strings.Contains(refusal.Message, test.text) {
			t.Errorf("%s: %+v", name, refusal)
		}
		if name == "unknown" && !strings.Contains(refusal.Hint(), "coder, reviewer") {
			t.Errorf("the refusal does not name the agents that exist: %q", refusal.Hint())
		}
	}
	if refusal := refusalOf(t, local.Call(t.Context(), wire.MethodRunStart, wire.RunStartParams{Agent: "reviewer"}, nil)); !strings.Contains(refusal.Message, "no command") {
		t.Error(refusal)
	}
	if refusal := refusalOf(t, h.remote("operator.admin").Call(t.Context(), wire.MethodRunStart, wire.RunStartParams{Agent: "coder"}, nil)); refusal.Code != wire.CodeForbidden {
		t.Error("a run was started over TCP:", refusal)
	}
	h.breakAudit(errors.New("disk full"))
	if refusal := refusalOf(t, local.Call(t.Context(), wire.MethodRunStart, wire.RunStartParams{Agent: "coder"}, nil)); refusal.Code != wire.CodeUnavailable {
		t.Error("a run starts without a record:", refusal)
	}
}

func TestReportsAreShownUnderTheGatewaysOwnNames(t *testing.T) {
	h := start(t, "")
	supervisor, screen := h.local(), client.NewBackend(h.local(), nil)
	events, err := screen.Events(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	run := startRun(t, supervisor, "coder")
	report := wire.RunReportParams{
		Run:         run.Run,
		Denials:     []event.Denial{{Agent: "somebody-else", Run: "other", Operation: "open", Target: "/home/u/.ssh/id", Rule: "built-in: key material", Class: "path.read", Count: 3}},
		Connections: []event.Connection{{ID: "c1", Agent: "somebody-else", Route: "example.com:443", State: "open"}},
		Mechanisms:  []event.Mechanism{{Name: "gate", Enforced: true}}, Policy: run.Policy.Version,
	}
	for range 2 {
		if err := supervisor.Call(t.Context(), wire.MethodRunReport, report, nil); err != nil {
			t.Fatal(err)
		}
	}
	denials, err := screen.Denials(t.Context())
	if err != nil || len(denials) != 1 || denials[0].Count != 6 || denials[0].Agent != "coder" || denials[0].Run != run.Run {
		t.Fatalf("%+v %v", denials, err)
	}
	agent, err := screen.Agent(t.Context(), "coder")
	if err != nil || agent.State != "running" || agent.Denied != 6 || agent.Conns != 1 || agent.Policy == nil || len(agent.Runs) != 1 || len(agent.Runs[0].Mechanisms) != 1 {
		t.Fatalf("%+v %v", agent, err)
	}
	if entries := h.audited("file_access"); len(entries) != 2 || entries[0].Path != "/home/u/.ssh/id" || entries[0].User != "agent coder" {
		t.Fatalf("%+v", entries)
	}
	timeout := time.After(5 * time.Second)
	for seen := map[event.Kind]bool{}; !seen[event.KindDenial] || !seen[event.KindAgent]; {
		select {
		case e := <-events:
			seen[e.Kind] = true
		case <-timeout:
			t.Fatal("the screen was not told", seen)
		}
	}
	other := h.local()
	if refusal := refusalOf(t, other.Call(t.Context(), wire.MethodRunReport, report, nil)); refusal.Code != wire.CodeNotFound {
		t.Fatal("another connection reports for this run:", refusal)
	}
	if refusal := refusalOf(t, other.Call(t.Context(), wire.MethodRunEnd, wire.RunEndParams{Run: run.Run}, nil)); refusal.Code != wire.CodeNotFound {
		t.Fatal("another connection ends this run:", refusal)
	}
	overview, err := screen.Overview(t.Context())
	if err != nil || overview.DeniedHour != 6 || overview.Running != 1 || overview.Agents != 2 || overview.PID != os.Getpid() || len(overview.Listeners) != 2 {
		t.Fatalf("%+v %v", overview, err)
	}
}

func TestTokenOfALostSupervisor(t *testing.T) {
	h := start(t, "")
	first := h.local()
	run := startRun(t, first, "coder")
	_ = first.Close()
	// The process lives, so the run waits to be taken back.
	second := h.local()
	until(t, "the connection is noticed", func() bool { h.runs.mu.Lock(); defer h.runs.mu.Unlock(); return h.runs.live[run.Run].conn == nil })
	if _, good := h.agents.Lookup(run.Token); !good {
		t.Fatal("the token died though the supervisor lives")
	}
	wrong := wire.RunResumeParams{Run: run.Run, Agent: "coder", Token: h.agents.Mint("reviewer", "r2"), PID: os.Getpid()}
	if refusal := refusalOf(t, second.Call(t.Context(), wire.MethodRunResume, wrong, nil)); refusal.Code != wire.CodeForbidden {
		t.Fatal("a run was taken with another run's token")
	}
	right := wrong
	right.Token = run.Token
	var resumed wire.RunStarted
	if err := second.Call(t.Context(), wire.MethodRunResume, right, &resumed); err != nil || resumed.Token != "" || resumed.Policy == nil {
		t.Fatalf("%+v %v", resumed, err)
	}
	// The process is gone: the token is dead at once.
	h.runs.mu.Lock()
	h.runs.live[run.Run].pid = 1 << 30
	h.runs.mu.Unlock()
	_ = second.Close()
	until(t, "the token dies", func() bool { _, good := h.agents.Lookup(run.Token); return !good })
	if runs := h.registry.Runs("coder"); len(runs) != 1 || runs[0].Exit != "lost" {
		t.Fatalf("%+v", runs)
	}
	if len(h.audited("run_end")) != 1 {
		t.Fatal("the end is not audited")
	}
}

func TestRunIsTakenBackByANewGateway(t *testing.T) {
	h := start(t, "")
	run := startRun(t, h.local(), "coder")
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	next := build(t, h.layout, freePort(t), "", nil).run()
	c := next.local()
	params := wire.RunResumeParams{Run: run.Run, Agent: "coder", Command: run.Command, Token: run.Token, PID: os.Getpid()}
	forged := params
	forged.Token = "oca_" + strings.Repeat("A", 49)
	if err := c.Call(t.Context(), wire.MethodRunResume, forged, nil); err == nil {
		t.Fatal("a token of the wrong form was adopted")
	}
	if err := c.Call(t.Context(), wire.MethodRunResume, params, nil); err != nil {
		t.Fatal(err)
	}
	if r := next.ask(t, "POST", "/v1/messages", map[string]string{"X-Api-Key": run.Token}); r.StatusCode != 200 || text(t, r) != "caller=coder" {
		t.Fatal(r.Status)
	}
}

func TestConfigChangeReachesTheRun(t *testing.T) {
	h := start(t, "")
	c := h.local()
	run := startRun(t, c, "coder")
	next := func() wire.RunPolicy {
		t.Helper()
		select {
		case e := <-c.Events():
			var p wire.RunPolicy
			if e.Event != wire.EventPolicy || json.Unmarshal(e.Payload, &p) != nil || p.Run != run.Run {
				t.Fatalf("%+v", e)
			}
			return p
		case <-time.After(5 * time.Second):
			t.Fatal("the run was not told")
		}
		panic("not reached")
	}
	h.writeConfig("", "agents:\n  coder:\n    permissions:\n      allowed_paths: [/srv/project]\n  reviewer: {}\n")
	if p := next(); p.Policy.Version == run.Policy.Version {
		t.Fatal("the same policy again")
	}
	h.writeConfig("", "agents:\n  coder:\n    permissions:\n      allowed_paths: [/srv/project]\n")
	if refusal := refusalOf(t, c.Call(t.Context(), wire.MethodAgent, wire.AgentParams{Name: "reviewer"}, nil)); refusal.Code != wire.CodeNotFound {
		t.Fatal(refusal)
	}
	h.writeConfig("", "logging:\n  level: info\n")
	p := next()
	for p.Policy.Version != "removed" {
		p = next() // the other agents' workspaces are part of a policy
	}
	if len(p.Policy.Paths) != 0 || p.Policy.Network.Outbound || p.Policy.Exec.Commands {
		t.Fatalf("%+v", p.Policy)
	}
	if _, good := h.agents.Lookup(run.Token); good {
		t.Fatal("the token of an agent that is gone works")
	}
	if len(h.audited("config_change")) == 0 || len(h.audited("agent_delete")) == 0 {
		t.Fatal("the change is not audited")
	}
}

func TestBrokenConfigKeepsTheOldOneAndSaysWhere(t *testing.T) {
	h := start(t, "")
	screen := client.NewBackend(h.local(), nil)
	sub := h.bus.Subscribe(10, event.KindConfig)
	defer sub.Close()
	if err := os.WriteFile(h.layout.Config(), []byte("gateway:\n  prot: 1\n"), 0o600); err != nil {
		t.Fatal(err)
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
	defer screen.Close()
	store, rows, err := screen.Secrets(t.Context())
	if err != nil || store.Backend != "memory" || len(rows) < 2 {
		t.Fatal(store, rows, err)
	}
	if ok, detail, err := screen.TestSecret(t.Context(), "anthropic"); err != nil || !ok {
		t.Fatal(ok, detail, err)
	}
	if ok, detail, err := screen.TestSecret(t.Context(), "nobody"); err != nil || ok || !strings.Contains(detail, "store it first") {
		t.Fatal(ok, detail, err)
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
		"sessions.subscribe": {"subscribed"}, "sessions.list": {"ts", "count", "sessions", "defaults"}, "sessions.describe": {},
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
	if refusal := refusalOf(t, c.Call(t.Context(), "chat.send", map[string]string{"message": "x"}, nil)); refusal.Code != wire.CodeUnavailable || !strings.Contains(refusal.Message, "not built yet") {
		t.Error(refusal)
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
	if e := h.audited("api_call")[0]; e.User != "agent coder" || e.Target != "anthropic" || e.Result != "success" {
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
