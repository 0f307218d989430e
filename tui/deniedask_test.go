package tui

import (
	"slices"
	"strings"
	"testing"

	"openclaw/gateway/event"
	"openclaw/sandbox/policy"
)

// denied is an ask that a person denied, and the denial that it ended in.
func denied(id, target string) (ask, denial event.Event) {
	const reason = "ask: denied by you"
	at := demoTime(25)
	ask = event.Event{Time: at, Kind: event.KindAsk, Ask: &event.Ask{
		ID: "ask-" + id, State: event.AskDenied, First: at, Last: at, Decided: at, Count: 1, Agent: "coder", Run: "r7", Class: policy.ClassNet,
		Operation: "connect", Target: target, Rule: "not in allowed_domains", Reason: reason, By: "tui",
	}}
	row := demoDenial(id, 25, 1, "coder", policy.ClassNet, "connect", target, "curl", fromConfig(23, "agents.coder.permissions.network.allowed_domains"), reason, "egress")
	denial = event.Event{Time: at, Kind: event.KindDenial, Denial: &row}
	return ask, denial
}

// What a person denied can become a rule for the next time, as what a rule refused can:
// seen first, and confirmed; the answer that was given stays what it was. Where its denial
// is not listed, a says so.
func TestADeniedAskBecomesARule(t *testing.T) {
	d, b := inboxAt(t, 120, 36)
	ask, denial := denied("d77", "registry.denied.test:443")
	d.event(b.script...)
	d.event(ask)
	b.world.denials = append(b.world.denials, *denial.Denial)
	d.press("3", "/")
	d.press("type:target:registry.denied", "enter", "g")
	if frame := strip(d.press("a")); !strings.Contains(frame, "the denial is not listed, or not yet") {
		t.Errorf("a without a denial says nothing:\n%s", frame)
	}
	if frame := strip(d.event(denial).frame()); !strings.Contains(frame, "a shows the rule that would allow it") || strings.Count(frame, "registry.denied.test:443 ") > 2 {
		t.Errorf("nothing says how, or it is listed twice:\n%s", frame)
	}
	if frame := strip(d.press("a")); !strings.Contains(frame, "- registry.denied.test:443") {
		t.Errorf("the rule is not shown:\n%s", frame)
	}
	if len(b.told) != 0 {
		t.Fatalf("it was written unseen: %q", b.told)
	}
	d.press("esc")
	if frame := strip(d.frame()); strings.Contains(frame, "- registry.denied") {
		t.Errorf("esc does not leave the rule:\n%s", frame)
	}
	d.press("a", "a", "y")
	if want := []string{"allow denial-d77 always exact"}; !slices.Equal(b.told, want) {
		t.Fatalf("told %q", b.told)
	}
	d.event(event.Event{Kind: event.KindAsk, Ask: &event.Ask{
		ID: "denial-d77", State: event.AskAllowed, First: demoTime(25), Last: demoTime(25), Decided: demoTime(28), Count: 1, Agent: "coder", Class: policy.ClassNet,
		Operation: "connect", Target: "registry.denied.test:443", Scope: "always", UndoUntil: demoTime(58),
	}})
	frame := strip(d.frame())
	if !strings.Contains(frame, "› ✓ always") || !strings.Contains(frame, "✗ deny") {
		t.Errorf("the rule is not the selected row, or the denial that was answered is another one now:\n%s", frame)
	}
}

// What a person answered is one line of the recent events, whichever of the two is heard of
// first: that it was denied, and the denial that this ended in.
func TestAnAnswerIsOneRecentEvent(t *testing.T) {
	for _, last := range []string{"ask", "denial", "ask, which nobody heard of"} {
		d := newDriver(t, NewDemo(), false, 120, 36)
		ask, denial := denied("d78", "once.denied.test:443")
		other, _ := denied("d79", "other.denied.test:443")
		events := []event.Event{ask, other, denial}
		if last != "denial" {
			events = []event.Event{denial, other, ask}
		}
		waiting := *ask.Ask
		waiting.State, waiting.Reason = event.AskWaiting, ""
		if last == "ask" || last == "denial" {
			d.event(event.Event{Time: ask.Time, Kind: event.KindAsk, Ask: &waiting})
		}
		frame := strip(d.event(events...).press("1"))
		_, recent, _ := strings.Cut(frame, "Recent events")
		recent, _, _ = strings.Cut(recent, "newest:")
		if n := strings.Count(recent, "once.denied.test"); n != 1 || strings.Count(recent, "other.denied.test") != 1 {
			t.Errorf("%s last: %d lines:\n%s", last, n, frame)
		}
	}
}
