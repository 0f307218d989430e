package gateway

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/client"
	"openclaw/gateway/event"
	"openclaw/gateway/wire"
)

// startRun begins a run as the supervisor does.
func startRun(t *testing.T, c *client.Client, agent string) wire.RunStarted {
	t.Helper()
	var run wire.RunStarted
	if err := c.Call(t.Context(), wire.MethodRunStart, wire.RunStartParams{Agent: agent, Command: []string{"sh", "-c", "true"}, Dir: "/src", PID: os.Getpid()}, &run); err != nil {
		t.Fatal(err)
	}
	return run
}

func TestRunGetsItsPolicyItsTokenAndNothingElse(t *testing.T) {
	h := start(t, "")
	local := h.local()
	run := startRun(t, local, "coder")
	if run.Policy == nil || run.Pending || run.Policy.Agent != "coder" || run.Gateway != h.Address().String() || len(run.Command) != 3 {
		t.Fatalf("%+v", run)
	}
	base := "http://" + h.Address().String()
	environment := strings.Join(run.Env, "\n")
	for _, want := range []string{"ANTHROPIC_BASE_URL=" + base + "\n", "ANTHROPIC_AUTH_TOKEN=" + run.Token, "ANTHROPIC_API_KEY=" + run.Token, "OPENAI_BASE_URL=" + base + "/v1", "OPENAI_API_KEY=" + run.Token, "GOOGLE_GEMINI_BASE_URL=" + base + "\n", "GEMINI_API_KEY=" + run.Token,
		`OPENCODE_CONFIG_CONTENT={"provider":{"anthropic":{"options":{"apiKey":"{env:OPENCLAW_AGENT_TOKEN}","baseURL":"` + base + `/v1"}}`, "OPENCLAW_AGENT=coder", "OPENCLAW_AGENT_TOKEN=" + run.Token} {
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
	if entries := h.audited("file_access"); len(entries) != 2 || entries[0].Path != "/home/u/.ssh/id" || entries[0].User != "coder" {
		t.Fatalf("%+v", entries)
	}
	timeout := time.After(20 * time.Second)
	for seen := map[event.Kind]bool{}; !seen[event.KindDenial] || !seen[event.KindAgent]; {
		select {
		case batch := <-events:
			for _, e := range batch {
				seen[e.Kind] = true
			}
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

// A supervisor that lives when its connection breaks, and dies while the run waits to be
// taken back, is looked at until then.
func TestTokenOfASupervisorThatDiesLater(t *testing.T) {
	h := start(t, "")
	for range 2 { // the second time after a time without any
		first := h.local()
		run := startRun(t, first, "coder")
		_ = first.Close()
		until(t, "the connection is noticed", func() bool { h.runs.mu.Lock(); defer h.runs.mu.Unlock(); return h.runs.live[run.Run].conn == nil })
		time.Sleep(2 * runLook)
		if _, good := h.agents.Lookup(run.Token); !good {
			t.Fatal("the token died though the supervisor lives")
		}
		h.runs.mu.Lock()
		h.runs.live[run.Run].pid = 1 << 30
		h.runs.mu.Unlock()
		until(t, "the token dies", func() bool { _, good := h.agents.Lookup(run.Token); return !good })
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
	// Its end is told a moment later, where files of the spool are being read just then.
	until(t, "the end is shown", func() bool { runs := h.registry.Runs("coder"); return len(runs) == 1 && runs[0].Exit == "lost" })
	until(t, "the end is audited", func() bool { return len(h.audited("run_end")) == 1 })
}

func TestRunIsTakenBackByANewGateway(t *testing.T) {
	h := start(t, "")
	run := startRun(t, h.local(), "coder")
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	next := build(t, h.layout, freePort(t), "", nil).run()
	c := next.local()
	params := wire.RunResumeParams{Run: run.Run, Agent: "coder", Command: run.Command, Token: run.Token, PID: os.Getpid(), Started: time.Now().Add(-3 * time.Hour)}
	forged := params
	forged.Token = "oca_" + strings.Repeat("A", 49)
	if err := c.Call(t.Context(), wire.MethodRunResume, forged, nil); err == nil {
		t.Fatal("a token of the wrong form was adopted")
	}
	if err := c.Call(t.Context(), wire.MethodRunResume, params, nil); err != nil {
		t.Fatal(err)
	}
	if r := next.ask(t, "POST", "/v1/messages", map[string]string{"X-Api-Key": run.Token}); r.StatusCode != 200 || r.text != "caller=coder" {
		t.Fatal(r.Status)
	}
	runs := next.registry.Runs("coder")
	if len(runs) != 1 || !runs[0].Started.Equal(params.Started) {
		t.Errorf("it began at %v, and says %+v", params.Started, runs)
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
		case <-time.After(20 * time.Second):
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
