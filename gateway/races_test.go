package gateway

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"openclaw/gateway/auth"
	"openclaw/gateway/chat"
	"openclaw/gateway/event"
	"openclaw/gateway/limit"
	"openclaw/gateway/provider/standin"
	"openclaw/gateway/wire"
	"openclaw/keychain"
	"openclaw/sandbox/policy"
)

// stuckWriter is a client that does not read until it is let go.
type stuckWriter struct {
	header  http.Header
	stuck   chan struct{} // closed by the first piece
	release chan struct{}
	once    sync.Once
}

func (s *stuckWriter) Header() http.Header { return s.header }
func (s *stuckWriter) WriteHeader(int)     {}
func (s *stuckWriter) Write(b []byte) (int, error) {
	s.once.Do(func() { close(s.stuck) })
	<-s.release
	return len(b), nil
}

// A client that stops reading and then leaves holds neither its session nor the
// gateway's end, whatever its run has still to show.
func TestAStuckClientThatLeavesHoldsNoSession(t *testing.T) {
	h := talking(t, newFolder(t), nil)
	h.standin.SetMode(standin.Endless)
	listener := h.socket("operator.read")
	listener.ok("sessions.messages.subscribe", object{"key": "agent:main:main"})
	for range 5 {
		writer := &stuckWriter{header: http.Header{}, stuck: make(chan struct{}), release: make(chan struct{})}
		out := &completionWriter{chatStream: chatStream{writer: writer}, request: &completion{Model: "openclaw/main", Stream: true}, run: "chatcmpl_" + auth.GenerateToken()}
		ctx, leave := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			_, _, err := h.chats.completeIn(ctx, "main", "main", chat.Prompt{Turns: []chat.Turn{{Role: chat.RoleUser, Text: "talk"}}}, out, "", auth.Hash{})
			ended <- err
		}()
		<-writer.stuck
		shown := 0 // one is stuck with the client, one waits behind it, and the third finds no room
		listener.find("more than waits for the client", func(f frame) bool {
			var e wire.ChatEvent
			if f.Event == wire.EventChat && json.Unmarshal(f.Payload, &e) == nil && e.RunID == out.run && e.State == "delta" {
				shown++
			}
			return shown == 3
		})
		leave()
		close(writer.release)
		select {
		case err := <-ended:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(waitLong):
			t.Fatal("the run never ends: its session is held for ever")
		}
	}
}

// during has f called once, within the next audit record that matches: whoever
// waits for the record stands between two of its steps.
type during struct {
	mu    sync.Mutex
	match func(AuditEntry) bool
	do    func()
}

func (d *during) next(match func(AuditEntry) bool, do func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.match, d.do = match, do
}

func (d *during) deps(deps *Deps) {
	record := deps.Audit
	deps.Audit = func(ctx context.Context, e AuditEntry) error {
		d.mu.Lock()
		do := d.do
		if do == nil || !d.match(e) {
			do = nil
		} else {
			d.do = nil
		}
		d.mu.Unlock()
		if do != nil {
			do()
		}
		return record(ctx, e)
	}
}

func action(event, action string) func(AuditEntry) bool {
	return func(e AuditEntry) bool { return e.Event == event && e.Action == action }
}

const (
	laxConfig    = "agents:\n  coder:\n    permissions:\n      allowed_paths: [/srv/project]\n  reviewer: {}\n"
	strictConfig = "agents:\n  coder: {}\n  reviewer: {}\n"
	goneConfig   = "agents:\n  reviewer: {}\n"
)

// A config that comes into force while a run is being started or taken back binds
// that run: its change was told to those that lived.
func TestAConfigThatChangesUnderAStartBindsTheRun(t *testing.T) {
	var steps during
	h := build(t, newLayout(t), freePort(t), "", steps.deps).run()
	h.writeConfig("", laxConfig)
	c := h.local()
	reaches := func(started wire.RunStarted) bool { return strings.Contains(policyText(t, started), "/srv/project") }
	if !reaches(startRun(t, c, "coder")) {
		t.Fatal("the path is not in the policy at all")
	}
	steps.next(action("run_start", "run"), func() { h.writeConfig("", strictConfig) })
	run := startRun(t, c, "coder")
	if reaches(run) {
		t.Error("the run got the policy of before")
	}
	h.writeConfig("", laxConfig)
	steps.next(action("run_start", "resume"), func() { h.writeConfig("", strictConfig) })
	var resumed wire.RunStarted
	resume := wire.RunResumeParams{Run: run.Run, Agent: "coder", Token: run.Token, PID: os.Getpid()}
	if err := c.Call(t.Context(), wire.MethodRunResume, resume, &resumed); err != nil {
		t.Fatal(err)
	}
	if reaches(resumed) {
		t.Error("the run that was taken back got the policy of before")
	}
	// An agent that is gone by then has no run, and its token is good for nothing.
	steps.next(action("run_start", "run"), func() { h.writeConfig("", goneConfig) })
	var late wire.RunStarted
	if err := c.Call(t.Context(), wire.MethodRunStart, wire.RunStartParams{Agent: "coder", Command: []string{"true"}, PID: os.Getpid()}, &late); err == nil {
		t.Error("a run of an agent that is gone was started")
	}
	if _, good := h.agents.Lookup(late.Token); good {
		t.Error("it has a token")
	}
}

func policyText(t *testing.T, started wire.RunStarted) string {
	t.Helper()
	text, err := json.Marshal(started.Policy)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A run that is given up in the moment in which its supervisor comes back is not
// half alive, known and without a token: the supervisor's next try takes it back.
func TestARunGivenUpUnderItsResumeIsTakenBackWhole(t *testing.T) {
	var steps during
	h := build(t, newLayout(t), freePort(t), "", steps.deps).run()
	first := h.local()
	run := startRun(t, first, "coder")
	_ = first.Close()
	until(t, "the connection is noticed", func() bool { h.runs.mu.Lock(); defer h.runs.mu.Unlock(); return h.runs.live[run.Run].conn == nil })
	steps.next(action("run_start", "resume"), func() { h.endRun(run.Run, "lost") })
	second := h.local()
	resume := wire.RunResumeParams{Run: run.Run, Agent: "coder", Token: run.Token, PID: os.Getpid()}
	err := second.Call(t.Context(), wire.MethodRunResume, resume, nil)
	if _, good := h.agents.Lookup(run.Token); err == nil && !good {
		t.Fatal("the run was taken back, and its token is dead")
	}
	if err != nil {
		if err := second.Call(t.Context(), wire.MethodRunResume, resume, nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, good := h.agents.Lookup(run.Token); !good || !h.runs.lives(run.Run) {
		t.Fatal("the run was not taken back whole")
	}
}

// endRun ends the run that has an id now.
func (h *house) endRun(id, exit string) {
	h.runs.mu.Lock()
	one := h.runs.live[id]
	h.runs.mu.Unlock()
	h.runs.finish(h.t.Context(), one, exit)
}

// A run whose supervisor comes back in the moment in which its time was found to be over
// goes on: it is the run of before that is given up.
func TestARunTakenBackAsItsTimeEndsGoesOn(t *testing.T) {
	h := start(t, "")
	first := h.local()
	started := startRun(t, first, "coder")
	_ = first.Close()
	var lost *run
	until(t, "the connection is noticed", func() bool {
		h.runs.mu.Lock()
		defer h.runs.mu.Unlock()
		lost = h.runs.live[started.Run]
		return lost.conn == nil
	})
	second := h.local()
	if err := second.Call(t.Context(), wire.MethodRunResume, wire.RunResumeParams{Run: started.Run, Agent: "coder", Token: started.Token, PID: os.Getpid()}, nil); err != nil {
		t.Fatal(err)
	}
	h.runs.finish(t.Context(), lost, "lost") // as giveUp does with what it found a moment ago
	if _, good := h.agents.Lookup(started.Token); !good || !h.runs.lives(started.Run) {
		t.Fatal("the run that was taken back was given up")
	}
	if err := second.Call(t.Context(), wire.MethodRunReport, wire.RunReportParams{Run: started.Run, Policy: "p"}, nil); err != nil {
		t.Fatal(err)
	}
}

// What a report says is open when its run ends, while its refusals are being recorded,
// does not stay open for ever.
func TestAReportUnderTheEndOfItsRunLeavesNothingOpen(t *testing.T) {
	var steps during
	h := build(t, newLayout(t), freePort(t), "", steps.deps).run()
	c := h.local()
	run := startRun(t, c, "coder")
	steps.next(func(e AuditEntry) bool { return e.Path == "/etc/shadow" }, func() { h.endRun(run.Run, "exit 0") })
	report := wire.RunReportParams{
		Run: run.Run, Denials: []event.Denial{{Class: policy.ClassPathRead, Operation: "open", Target: "/etc/shadow", Rule: "r", Count: 1}},
		Connections: []event.Connection{{ID: "7", Route: "good.test:443", State: "open"}},
	}
	if err := c.Call(t.Context(), wire.MethodRunReport, report, nil); err != nil {
		t.Fatal(err)
	}
	if row, open := h.registry.OpenConnection(run.Run + "/7"); open {
		t.Errorf("open for ever: %+v", row)
	}
	closed := slices.DeleteFunc(h.audited("authorization"), func(e AuditEntry) bool { return e.Action != "close" || e.Details["connection"] != run.Run+"/7" })
	if len(closed) != 1 {
		t.Errorf("its end is on record %d times", len(closed))
	}
}

// A config that changes while the gateway starts is applied and on record as any other.
func TestAConfigThatChangesUnderTheStartIsApplied(t *testing.T) {
	var steps during
	h := build(t, newLayout(t), freePort(t), "", steps.deps)
	steps.next(action("gateway_start", "start"), func() { h.writeConfig("", strictConfig) })
	h.run()
	changes := slices.DeleteFunc(h.audited("config_change"), func(e AuditEntry) bool { return e.Action != "apply" })
	if len(changes) != 1 || changes[0].Details["version"] != 2 {
		t.Errorf("on record: %+v", changes)
	}
}

// A client whose token is replaced while it shakes hands is cut as those are that
// are in, and not when somebody looks again.
func TestATokenThatEndsUnderAHandshakeCutsIt(t *testing.T) {
	var steps during
	var hold atomic.Bool
	release := make(chan struct{})
	var h *house
	h = build(t, newLayout(t), freePort(t), "", func(d *Deps) {
		steps.deps(d)
		d.Token = func(ctx context.Context) (keychain.Secret, error) {
			if hold.Load() {
				select {
				case <-release:
				case <-ctx.Done():
				}
			}
			return h.memory.Get(ctx, gatewayTokenName)
		}
	})
	h.run()
	t.Cleanup(func() { close(release) }) // before the house's own
	steps.next(func(e AuditEntry) bool { return strings.HasPrefix(e.Action, "connect") && e.Result == "success" }, func() {
		err := h.memory.Set(t.Context(), gatewayTokenName, keychain.NewSecret([]byte(auth.GenerateToken())))
		if err == nil {
			err = h.refreshToken(t.Context())
		}
		if err != nil {
			t.Error(err)
		}
		hold.Store(true)
	})
	ws, answer := h.socket(h.token)
	granted(t, answer)
	if code := closeCode(ws); code != wire.CloseTokenChanged {
		t.Fatal("a socket with a token of before stays: ", code)
	}
}

// The same of a client behind a proxy, whose address is banned meanwhile.
func TestABanUnderAHandshakeCutsIt(t *testing.T) {
	var steps during
	h := build(t, newLayout(t), freePort(t), "  trusted_proxies: [127.0.0.1]\n", steps.deps).run()
	steps.next(func(e AuditEntry) bool { return strings.HasPrefix(e.Action, "connect") && e.Result == "success" }, func() {
		network, err := limit.ParseNetwork("203.0.113.7")
		if err == nil {
			err = h.ban(t.Context(), "local", limit.Ban{Network: network, Reason: "test", By: operator})
		}
		if err != nil {
			t.Error(err)
		}
	})
	ws, answer := h.socketFrom("203.0.113.7", h.token)
	granted(t, answer)
	if code := closeCode(ws); code != wire.ClosePolicy {
		t.Fatal("a socket of a banned address stays: ", code)
	}
}

// And of a call, which was let in at the door before the ban: it ends as those do that are
// under way.
func TestABanUnderACallEndsIt(t *testing.T) {
	ended := make(chan error, 1)
	h := build(t, newLayout(t), freePort(t), "  trusted_proxies: [127.0.0.1]\n", func(d *Deps) {
		d.Provider = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { ended <- r.Context().Err() })
	}).run()
	call := func(client string) *http.Request {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/messages", nil)
		r.RemoteAddr = "127.0.0.1:1"
		r.Header.Set("X-Forwarded-For", client)
		r.Header.Set("Authorization", "Bearer "+h.token)
		return h.arrived(r)
	}
	banned, other := call("203.0.113.7"), call("203.0.113.8")
	network, err := limit.ParseNetwork("203.0.113.7")
	if err == nil {
		err = h.ban(t.Context(), "local", limit.Ban{Network: network, Reason: "test", By: operator})
	}
	if err != nil {
		t.Fatal(err)
	}
	h.serveProvider(httptest.NewRecorder(), banned)
	if <-ended == nil {
		t.Error("a call of a banned address goes on")
	}
	h.serveProvider(httptest.NewRecorder(), other)
	if err := <-ended; err != nil {
		t.Error("a call of another address:", err)
	}
}

// A budget that changes while a call is being judged binds that call.
func TestABudgetThatChangesUnderACallBindsIt(t *testing.T) {
	h := start(t, "")
	cut := make(chan error, 1)
	call := spending("coder", "bad")
	h.writeConfig("", strings.Replace(budgetConfig, "good*", "'*'", 1))
	var once sync.Once
	call.Asked = func() ([]string, bool, error) {
		once.Do(func() { h.writeConfig("", budgetConfig) })
		return []string{"bad"}, false, nil
	}
	call.Cut = func(reason error) { cut <- reason }
	leave, refused := h.EnterBudget(call)
	if refused != nil {
		return // as good
	}
	defer leave(0)
	select {
	case reason := <-cut:
		if !strings.Contains(reason.Error(), "agents.coder.budget.allowed_models") {
			t.Fatal(reason)
		}
	default:
		t.Fatal("a call of a model that is allowed no more goes on")
	}
}

// A client that sends ended runs again is kept under none of them.
func TestARunThatIsSentAgainLeavesNoListener(t *testing.T) {
	h := talking(t, newFolder(t), nil)
	s := h.socket("operator.read", "operator.write")
	send := object{"sessionKey": "main", "message": "hello", "idempotencyKey": "r1"}
	s.ok("chat.send", send)
	s.chats("r1")
	topics := func() int {
		h.chats.listeners.mu.Lock()
		defer h.chats.listeners.mu.Unlock()
		return len(h.chats.listeners.topics)
	}
	until(t, "the run has no listeners", func() bool { return topics() == 0 })
	if status := s.ok("chat.send", send)["status"]; status != "ok" {
		t.Fatal(status)
	}
	if n := topics(); n != 0 {
		t.Fatalf("%d topics are left", n)
	}
}

// A provider whose list of models is no list takes nothing from the agents' own.
func TestAModelsListOfNothingLeavesTheChats(t *testing.T) {
	answer := ""
	h := build(t, newLayout(t), freePort(t), "", func(d *Deps) {
		d.Provider = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(answer))
		})
	}).run()
	for _, answer = range []string{"null", "[]", "3", `{"data":null}`, `{"data":{"a":1}}`, "{"} {
		r := h.ask(t, "GET", "/v1/models", map[string]string{"Authorization": "Bearer " + h.token})
		if r.StatusCode != http.StatusOK || !strings.Contains(r.text, `"openclaw/coder"`) {
			t.Errorf("%s: %s %s", answer, r.Status, r.text)
		}
	}
}
