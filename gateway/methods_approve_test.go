package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/client"
	"openclaw/gateway/event"
	"openclaw/gateway/wire"
	"openclaw/sandbox/policy"
)

const asksConfig = `agents:
  coder:
    permissions:
      ask: [path.read, net, exec] # ask me
      never_always: [net]
  reviewer: {}
`

// asking is a gateway, a run whose supervisor asks, and its connection.
func asking(t *testing.T) (*house, *client.Client, wire.RunStarted) {
	t.Helper()
	h := start(t, "")
	h.writeConfig("", asksConfig)
	c := h.local()
	return h, c, startRun(t, c, "coder")
}

func askFor(t *testing.T, c *client.Client, run string, number uint64, target string) wire.AskHeld {
	t.Helper()
	var held wire.AskHeld
	if err := c.Call(t.Context(), wire.MethodAskAsk, askParams(run, number, target), &held); err != nil {
		t.Fatal(err)
	}
	return held
}

func askParams(run string, number uint64, target string) wire.AskParams {
	return wire.AskParams{Run: run, Number: number, PID: 7, Program: "/usr/bin/cat", Class: policy.ClassPathRead, Operation: "open", Target: target, Rule: "not in allowed_paths", Mechanism: "gate"}
}

// verdictOf waits for the pushed answer to an ask.
func verdictOf(t *testing.T, c *client.Client, number uint64) wire.AskVerdict {
	t.Helper()
	timeout := time.After(time.Minute)
	for {
		select {
		case e := <-c.Events():
			var v wire.AskVerdict
			if e.Event == wire.EventAskVerdict && json.Unmarshal(e.Payload, &v) == nil && v.Number == number {
				return v
			}
		case <-timeout:
			t.Fatal("no verdict")
		}
	}
}

func asksOf(t *testing.T, c *client.Client) []event.Ask {
	t.Helper()
	var list wire.AsksResult
	if err := c.Call(t.Context(), wire.MethodAsks, wire.AsksParams{}, &list); err != nil {
		t.Fatal(err)
	}
	return list.Asks
}

// A supervisor says how many requests its ask stands for; nobody else does, and not of
// another's ask.
func TestASupervisorCountsItsAlikeRequests(t *testing.T) {
	h, supervisor, run := asking(t)
	askFor(t, supervisor, run.Run, 1, "/srv/x")
	numbers := wire.AskAlikeParams{Run: run.Run, Number: 1, Seen: 14, Waiting: 12}
	if refusal := refusalOf(t, h.remote("operator.admin").Call(t.Context(), wire.MethodAskAlike, numbers, nil)); refusal.Code != wire.CodeForbidden {
		t.Errorf("%+v", refusal)
	}
	if err := h.local().Call(t.Context(), wire.MethodAskAlike, numbers, nil); err != nil {
		t.Error(err)
	}
	if row := asksOf(t, supervisor)[0]; row.Count != 1 || row.Waiting != 1 {
		t.Errorf("another changed it: seen %d, %d wait", row.Count, row.Waiting)
	}
	if err := supervisor.Call(t.Context(), wire.MethodAskAlike, numbers, nil); err != nil {
		t.Fatal(err)
	}
	if row := asksOf(t, supervisor)[0]; row.Count != 14 || row.Waiting != 12 {
		t.Errorf("seen %d, %d wait", row.Count, row.Waiting)
	}
}

// The answer reaches the supervisor after its record is written; the second
// answer does not count.
func TestAnAskIsHeldUntilItIsAnswered(t *testing.T) {
	h, supervisor, run := asking(t)
	if slices.ContainsFunc(run.Unsupported, func(s string) bool { return strings.Contains(s, "ask") }) {
		t.Error(run.Unsupported)
	}
	screen := client.NewBackend(h.local(), nil)
	events, err := screen.Events(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	held := askFor(t, supervisor, run.Run, 1, "/srv/a")
	person := h.local()
	rows := asksOf(t, person)
	if len(rows) != 1 || rows[0].ID != held.ID || rows[0].Agent != "coder" || rows[0].State != event.AskWaiting || rows[0].Deadline.Before(time.Now()) {
		t.Fatalf("%+v", rows)
	}
	if overview, err := screen.Overview(t.Context()); err != nil || overview.Asks != 1 {
		t.Errorf("%+v %v", overview, err)
	}
	var decided wire.AskDecided
	if err := person.Call(t.Context(), wire.MethodAskDecide, wire.AskDecideParams{ID: held.ID, Allow: true}, &decided); err != nil || !decided.Resolved || decided.Ask.State != event.AskAllowed {
		t.Fatalf("%+v %v", decided, err)
	}
	if v := verdictOf(t, supervisor, 1); !v.Allow || v.ID != held.ID {
		t.Errorf("%+v", v)
	}
	if err := h.local().Call(t.Context(), wire.MethodAskDecide, wire.AskDecideParams{ID: held.ID}, &decided); err != nil || decided.Resolved || decided.Ask.State != event.AskAllowed {
		t.Errorf("%+v %v", decided, err)
	}
	if entries := h.audited("approval"); len(entries) != 1 || entries[0].Action != "allow" || entries[0].Result != "allowed" || entries[0].Path != "/srv/a" || entries[0].User != "operator" || entries[0].Details["agent"] != "coder" || entries[0].Details["ask"] != held.ID {
		t.Errorf("%+v", entries)
	}
	timeout := time.After(20 * time.Second)
	for state := ""; state != event.AskAllowed; {
		select {
		case batch := <-events:
			for _, e := range batch {
				if e.Kind == event.KindAsk {
					state = e.Ask.State
				}
			}
		case <-timeout:
			t.Fatal("the screen was not told")
		}
	}
	askFor(t, supervisor, run.Run, 2, "/srv/b")
	h.breakAudit(errors.New("disk full"))
	id := asksOf(t, person)[0].ID
	if refusal := refusalOf(t, person.Call(t.Context(), wire.MethodAskDecide, wire.AskDecideParams{ID: id, Allow: true}, nil)); refusal.Code != wire.CodeUnavailable || !strings.Contains(refusal.Message, "denied") {
		t.Error(refusal)
	}
	if v := verdictOf(t, supervisor, 2); v.Allow || v.Reason != "ask: the answer could not be recorded" {
		t.Errorf("%+v", v)
	}
}

// "Always" writes one line of the config, which reaches the running cage as a
// policy; undo takes it away.
func TestAlwaysReachesTheRun(t *testing.T) {
	h, supervisor, run := asking(t)
	person := h.local()
	held := askFor(t, supervisor, run.Run, 1, "/srv/a")
	var preview, decided wire.AskDecided
	if err := person.Call(t.Context(), wire.MethodAskDecide, wire.AskDecideParams{ID: held.ID, Preview: true}, &preview); err != nil || preview.Resolved || preview.Ask.Wrote != "- {path: /srv/a, access: read}" {
		t.Fatalf("%+v %v", preview, err)
	}
	if err := person.Call(t.Context(), wire.MethodAskDecide, wire.AskDecideParams{ID: held.ID, Allow: true, Scope: "always"}, &decided); err != nil || decided.Ask.Wrote != preview.Ask.Wrote || decided.Ask.Where != "config.yaml:10" {
		t.Fatalf("%+v %v", decided, err)
	}
	text, err := os.ReadFile(h.layout.Config())
	if err != nil || !strings.Contains(string(text), "# ask me") || !strings.Contains(string(text), decided.Ask.Wrote) {
		t.Errorf("%s %v", text, err)
	}
	policyPushed := func(want policy.Effect) {
		t.Helper()
		timeout := time.After(20 * time.Second)
		for {
			select {
			case e := <-supervisor.Events():
				var p wire.RunPolicy
				if e.Event == wire.EventPolicy && json.Unmarshal(e.Payload, &p) == nil && p.Policy.Decide(policy.Request{Class: policy.ClassPathRead, Path: "/srv/a"}).Effect == want {
					return
				}
			case <-timeout:
				t.Fatal("the run was not told")
			}
		}
	}
	policyPushed(policy.Allow)
	var undone event.Ask
	if err := person.Call(t.Context(), wire.MethodAskUndo, wire.AskUndoParams{ID: held.ID}, &undone); err != nil || undone.State != event.AskUndone {
		t.Fatalf("%+v %v", undone, err)
	}
	policyPushed(policy.Ask)
	never := askParams(run.Run, 2, "a.example:443")
	never.Class, never.Operation = policy.ClassNet, "connect"
	var second wire.AskHeld
	if err := supervisor.Call(t.Context(), wire.MethodAskAsk, never, &second); err != nil {
		t.Fatal(err)
	}
	if refusal := refusalOf(t, person.Call(t.Context(), wire.MethodAskDecide, wire.AskDecideParams{ID: second.ID, Allow: true, Scope: "always"}, nil)); refusal.Code != wire.CodeForbidden || !strings.Contains(refusal.Message, "never_always") {
		t.Error(refusal)
	}
}

// A cage whose agent's answer for the run was undone is told, so that nothing more passes
// by it.
func TestAnUndoneAnswerReachesTheRun(t *testing.T) {
	h, supervisor, run := asking(t)
	person := h.local()
	held := askFor(t, supervisor, run.Run, 1, "/srv/a")
	if err := person.Call(t.Context(), wire.MethodAskDecide, wire.AskDecideParams{ID: held.ID, Allow: true, Scope: "run"}, nil); err != nil {
		t.Fatal(err)
	}
	if v := verdictOf(t, supervisor, 1); !v.Allow || v.Seen != 0 {
		t.Errorf("%+v", v)
	}
	if err := person.Call(t.Context(), wire.MethodAskUndo, wire.AskUndoParams{ID: held.ID}, nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		select {
		case e := <-supervisor.Events():
			if e.Event != wire.EventAskTakenBack {
				continue
			}
			var told wire.AskTakenBack
			if err := json.Unmarshal(e.Payload, &told); err != nil || told.Run != run.Run {
				t.Errorf("pushed %s: %v", e.Payload, err)
			}
			return
		case <-ctx.Done():
			t.Fatal("the supervisor was told nothing")
		}
	}
}

// Whoever asks or answers has the right to: a run's own supervisor on the unix
// socket, and a client with the scope for it.
func TestWhoMayAskAndAnswer(t *testing.T) {
	h, supervisor, run := asking(t)
	held := askFor(t, supervisor, run.Run, 1, "/srv/a")
	for name, test := range map[string]struct {
		c      *client.Client
		method string
		params any
		code   string
	}{
		"ask for another's run":  {h.local(), wire.MethodAskAsk, askParams(run.Run, 1, "/srv/a"), wire.CodeNotFound},
		"ask for no run":         {supervisor, wire.MethodAskAsk, askParams("nope", 9, "/srv/a"), wire.CodeNotFound},
		"ask over TCP":           {h.remote("operator.admin"), wire.MethodAskAsk, askParams(run.Run, 1, "/srv/a"), wire.CodeForbidden},
		"the same number":        {supervisor, wire.MethodAskAsk, askParams(run.Run, 1, "/srv/b"), wire.CodeInvalidRequest},
		"no target":              {supervisor, wire.MethodAskAsk, askParams(run.Run, 2, ""), wire.CodeInvalidRequest},
		"a huge target":          {supervisor, wire.MethodAskAsk, askParams(run.Run, 2, strings.Repeat("x", 17<<10)), wire.CodeInvalidRequest},
		"no class":               {supervisor, wire.MethodAskAsk, wire.AskParams{Run: run.Run, Number: 3, Target: "/x", Class: "all"}, wire.CodeInvalidRequest},
		"list with read":         {h.remote("operator.read"), wire.MethodAsks, wire.AsksParams{}, wire.CodeForbidden},
		"decide with write":      {h.remote("operator.write"), wire.MethodAskDecide, wire.AskDecideParams{ID: held.ID, Allow: true}, wire.CodeForbidden},
		"undo with write":        {h.remote("operator.write"), wire.MethodAskUndo, wire.AskUndoParams{}, wire.CodeForbidden},
		"pause with write":       {h.remote("operator.write"), wire.MethodAskPause, wire.AskPauseParams{ID: held.ID}, wire.CodeForbidden},
		"pause an unknown one":   {h.local(), wire.MethodAskPause, wire.AskPauseParams{ID: "ffffff"}, wire.CodeNotFound},
		"decide an unknown one":  {h.local(), wire.MethodAskDecide, wire.AskDecideParams{ID: "ffffff", Allow: true}, wire.CodeNotFound},
		"decide with a bad word": {h.local(), wire.MethodAskDecide, wire.AskDecideParams{ID: held.ID, Allow: true, Scope: "life"}, wire.CodeInvalidRequest},
		"undo nothing":           {h.local(), wire.MethodAskUndo, wire.AskUndoParams{}, wire.CodeNotFound},
	} {
		if refusal := refusalOf(t, test.c.Call(t.Context(), test.method, test.params, nil)); refusal.Code != test.code {
			t.Errorf("%s: %+v", name, refusal)
		}
	}
	// Another connection cannot cancel it either.
	if err := h.local().Call(t.Context(), wire.MethodAskCancel, wire.AskCancelParams{Run: run.Run, Number: 1}, nil); err != nil {
		t.Fatal(err)
	}
	approver := h.remote("operator.approvals")
	if rows := asksOf(t, approver); len(rows) != 1 || rows[0].State != event.AskWaiting {
		t.Fatalf("%+v", rows)
	}
	if err := approver.Call(t.Context(), wire.MethodAskDecide, wire.AskDecideParams{ID: held.ID}, nil); err != nil {
		t.Fatal(err)
	}
	if v := verdictOf(t, supervisor, 1); v.Allow || v.Reason != "ask: denied by you" {
		t.Errorf("%+v", v)
	}
}

// An ask ends with what asked: a cancel, the run, the supervisor, the gateway.
func TestAnAskEndsWithWhoAsked(t *testing.T) {
	h, supervisor, run := asking(t)
	person := h.local()
	stateOf := func(target string) string {
		for _, row := range asksOf(t, person) {
			if row.Target == target {
				return row.State
			}
		}
		return ""
	}
	askFor(t, supervisor, run.Run, 1, "/srv/cancelled")
	askFor(t, supervisor, run.Run, 2, "/srv/late")
	for number, missed := range map[uint64]bool{1: false, 2: true} {
		if err := supervisor.Call(t.Context(), wire.MethodAskCancel, wire.AskCancelParams{Run: run.Run, Number: number, Missed: missed}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := stateOf("/srv/cancelled"), stateOf("/srv/late"); a != event.AskGone || b != event.AskMissed {
		t.Errorf("%s %s", a, b)
	}
	other := h.local()
	second := startRun(t, other, "coder")
	askFor(t, other, second.Run, 1, "/srv/lost")
	_ = other.Close()
	until(t, "the end of the ask", func() bool { return stateOf("/srv/lost") == event.AskGone })

	askFor(t, supervisor, run.Run, 3, "/srv/run")
	if err := supervisor.Call(t.Context(), wire.MethodRunEnd, wire.RunEndParams{Run: run.Run}, nil); err != nil {
		t.Fatal(err)
	}
	if v := verdictOf(t, supervisor, 3); v.Allow {
		t.Errorf("%+v", v)
	}
	third := startRun(t, supervisor, "coder")
	askFor(t, supervisor, third.Run, 1, "/srv/stopped")
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	h.asks.mu.Lock()
	defer h.asks.mu.Unlock()
	if len(h.asks.held) != 0 || h.asks.inbox.Waiting() != 0 {
		t.Errorf("%d are held, %d wait", len(h.asks.held), h.asks.inbox.Waiting())
	}
}

// A screen that closes answers nothing: what it was shown goes on waiting, for the
// next screen or for its deadline, which denies.
func TestAScreenThatClosesAnswersNothing(t *testing.T) {
	h, supervisor, run := asking(t)
	screen := h.local()
	if _, err := client.NewBackend(screen, nil).Events(t.Context()); err != nil {
		t.Fatal(err)
	}
	held := askFor(t, supervisor, run.Run, 1, "/srv/a")
	if rows := asksOf(t, screen); len(rows) != 1 || rows[0].State != event.AskWaiting {
		t.Fatalf("%+v", rows)
	}
	_ = screen.Close()
	next := h.local()
	until(t, "the end of the first screen", func() bool {
		select {
		case _, open := <-screen.Events():
			return !open
		default:
			return false
		}
	})
	if rows := asksOf(t, next); len(rows) != 1 || rows[0].State != event.AskWaiting {
		t.Fatalf("%+v", rows)
	}
	var decided wire.AskDecided
	if err := next.Call(t.Context(), wire.MethodAskDecide, wire.AskDecideParams{ID: held.ID}, &decided); err != nil || !decided.Resolved {
		t.Fatalf("%+v %v", decided, err)
	}
	if v := verdictOf(t, supervisor, 1); v.Allow {
		t.Errorf("%+v", v)
	}
}

// What a rule denied is allowed from now on by a rule, through the same call as
// an answer; a target that a secret was taken out of is no name to allow.
func TestADenialIsAllowedByARule(t *testing.T) {
	h := build(t, newFolder(t), freePort(t), "", func(d *Deps) { d.Masker = wordMasker{} }).run()
	h.writeConfig("", asksConfig)
	supervisor := h.local()
	run := startRun(t, supervisor, "coder")
	row := event.Denial{PID: 7, Program: "/usr/bin/cat", Class: policy.ClassPathWrite, Operation: "create", Target: "/srv/out/x", Rule: "not in allowed_paths"}
	masked := row
	masked.Target = "/srv/overloaded/x"
	if err := supervisor.Call(t.Context(), wire.MethodRunReport, wire.RunReportParams{Run: run.Run, Denials: []event.Denial{row, masked}}, nil); err != nil {
		t.Fatal(err)
	}
	person := h.local()
	var list wire.DenialsResult
	if err := person.Call(t.Context(), wire.MethodDenials, wire.DenialsParams{}, &list); err != nil || len(list.Denials) != 2 {
		t.Fatalf("%+v %v", list, err)
	}
	var decided wire.AskDecided
	for _, d := range list.Denials {
		params := wire.AskDecideParams{ID: event.PastID(d.ID), Allow: true, Scope: "always", Match: "folder"}
		if d.Target != row.Target {
			if err := person.Call(t.Context(), wire.MethodAskDecide, params, &decided); err == nil {
				t.Errorf("%s was allowed: %+v", d.Target, decided)
			}
			continue
		}
		if err := person.Call(t.Context(), wire.MethodAskDecide, params, &decided); err != nil || !decided.Resolved || decided.Ask.Wrote != "- /srv/out" {
			t.Fatalf("%+v %v", decided, err)
		}
	}
	text, err := os.ReadFile(h.layout.Config())
	if err != nil || !strings.Contains(string(text), "allowed_paths:\n        - /srv/out\n") || !strings.Contains(string(text), "# ask me") {
		t.Errorf("%v\n%s", err, text)
	}
	if entries := h.audited("approval"); len(entries) != 1 || entries[0].Path != "/srv/out/x" || entries[0].Details["scope"] != "always" || entries[0].Details["ask"] != decided.Ask.ID {
		t.Errorf("%+v", entries)
	}
	if err := person.Call(t.Context(), wire.MethodAskUndo, wire.AskUndoParams{}, nil); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(h.layout.Config()); err != nil || strings.Contains(string(text), "/srv/out") {
		t.Errorf("%v\n%s", err, text)
	}
}

// A client that may answer can have the clock stand still: the row and an event say so,
// and the audit log holds the answer alone.
func TestAPauseReachesEveryScreen(t *testing.T) {
	h, supervisor, run := asking(t)
	other := client.NewBackend(h.local(), nil)
	events, err := other.Events(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	held := askFor(t, supervisor, run.Run, 1, "/srv/a")
	person := client.NewBackend(h.remote("operator.approvals"), nil)
	before := asksOf(t, h.local())[0]
	if paused, err := person.PauseAsk(t.Context(), held.ID); err != nil || !paused {
		t.Fatalf("paused %v, %v", paused, err)
	}
	after := asksOf(t, h.local())[0]
	if !after.PausedUntil.After(before.First) || !after.Deadline.After(before.Deadline) {
		t.Errorf("%+v", after)
	}
	timeout := time.After(20 * time.Second)
	for told := false; !told; {
		select {
		case batch := <-events:
			told = slices.ContainsFunc(batch, func(e event.Event) bool {
				return e.Clock != nil && e.Kind == event.KindClock && e.Clock.ID == held.ID && e.Clock.Deadline.Equal(after.Deadline) && e.Clock.PausedUntil.Equal(after.PausedUntil)
			})
		case <-timeout:
			t.Fatal("the other screen was not told")
		}
	}
	if _, _, err := person.AnswerAsk(t.Context(), held.ID, false, "", "", ""); err != nil {
		t.Fatal(err)
	}
	if paused, err := person.PauseAsk(t.Context(), held.ID); err != nil || paused {
		t.Errorf("what is denied is paused: %v, %v", paused, err)
	}
	if v := verdictOf(t, supervisor, 1); v.Allow {
		t.Errorf("%+v", v)
	}
	if entries := h.audited("approval"); len(entries) != 1 || entries[0].Action != "deny" {
		t.Errorf("%+v", entries)
	}
}

// An ask that its cage made before it heard of the policy of now is answered by that.
func TestAnAskThatComesAfterAChangeOfPolicy(t *testing.T) {
	h, supervisor, run := asking(t)
	h.writeConfig("", strings.Replace(asksConfig, "path.read, net, exec", "net", 1))
	denied := askFor(t, supervisor, run.Run, 1, "/srv/x")
	h.writeConfig("", strings.Replace(asksConfig, "never_always: [net]", "allowed_paths: [/usr]", 1))
	allowed := askFor(t, supervisor, run.Run, 2, "/usr/share/x")
	if v := denied.Verdict; v == nil || v.Allow || v.Reason != "ask: the policy changed: not in allowed_paths" {
		t.Errorf("what it does not ask about: %+v", v)
	}
	if v := allowed.Verdict; v == nil || !v.Allow {
		t.Errorf("what it allows: %+v", v)
	}
	if rows := asksOf(t, supervisor); len(rows) != 2 || rows[0].State != event.AskDenied || rows[1].State != event.AskAllowed {
		t.Errorf("%+v", rows)
	}
}
