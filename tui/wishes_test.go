package tui

import (
	"context"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

// What the gateway knew before the screen opened is there when it opens, and a
// repeat does not fill the list.
func TestRecentEventsAreThereWhenTheScreenOpens(t *testing.T) {
	d := newDriver(t, NewDemo(), false, 120, 36)
	frame := strip(d.frame())
	if !strings.Contains(frame, "~/.aws/credentials") || !strings.Contains(frame, "telemetry.example.test") {
		t.Fatalf("nothing of what was denied before:\n%s", frame)
	}
	again := demoDenial("d2", -300, 62, "coder", "net", "resolve", "telemetry.example.test:443", "node", builtIn("x"), "not in allowed_domains", "dns")
	d.event(event.Event{Time: again.Last, Denial: &again})
	if frame = strip(d.frame()); strings.Count(frame, "resolve  telemetry") != 1 || !strings.Contains(frame, "×62") {
		t.Errorf("a repeat stands twice, or its count is old:\n%s", frame)
	}
}

// changedBackend has a config that a long change was applied to.
type changedBackend struct{ *Demo }

func (b changedBackend) Config(context.Context) (event.ConfigStatus, error) {
	status := event.ConfigStatus{Path: demoConfig, Version: 3, Changes: []string{"agents.coder.permissions.allowed_paths +1", "two", "three", "four", "five", "six"}}
	for range 100 {
		status.Diff = append(status.Diff, "+  a line")
	}
	return status, nil
}

func TestTheLastChangeIsAlwaysInSight(t *testing.T) {
	d := newDriver(t, changedBackend{NewDemo()}, false, 60, 16)
	d.press("8")
	for range 5 {
		frame := strip(d.press("ctrl+f"))
		if !strings.Contains(frame, "allowed_paths +1") || !strings.Contains(frame, "and 3 more") {
			t.Fatalf("the change is out of sight:\n%s", frame)
		}
	}
}

func TestTheNameOfASecretIsSuggested(t *testing.T) {
	for _, c := range []struct {
		name string
		keys []string
		want string
	}{
		{"kept", []string{"a", "enter"}, "openai"},
		{"of the selected row", []string{"j", "a", "enter"}, "openai"},
		{"typed over", []string{"a", "type:mistral", "enter"}, "mistral"},
		{"pasted over", []string{"a", "paste:mistral", "enter"}, "mistral"},
		{"edited", []string{"a", "backspace", "type:x", "enter"}, "openax"},
		{"cleared", []string{"a", "ctrl+u", "type:y", "enter"}, "y"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &secretBackend{Demo: NewDemo(), stored: map[string]string{}}
			d := newDriver(t, b, false, 100, 30)
			d.press("6")
			d.press(c.keys...)
			d.press("type:sk", "enter")
			if b.stored[c.want] != "sk" || len(b.stored) != 1 {
				t.Errorf("stored %v, want %s", b.stored, c.want)
			}
		})
	}
	// What is stored is never suggested: enter twice would write over it.
	b := &secretBackend{Demo: NewDemo(), stored: map[string]string{}}
	d := newDriver(t, b, false, 100, 30)
	d.event(event.Event{Secret: &event.Secret{Name: "openai", Store: "keychain"}})
	if frame := strip(d.press("6", "a", "enter")); !strings.Contains(frame, "A name is") {
		t.Errorf("a stored name is suggested:\n%s", frame)
	}
	if frame := strip(d.press("type:openai", "enter")); !strings.Contains(frame, "saving replaces it") {
		t.Errorf("nothing says that a stored secret would be replaced:\n%s", frame)
	}
}

// Rows that came while another view was open are not hidden behind an old
// selection; a place that the person chose stays.
func TestAViewOpensAtItsNewestRow(t *testing.T) {
	d := noAsks(t, false, 120, 36)
	d.press("3", "1")
	arrive := func(id string, at int) {
		row := demoDenial(id, at, 1, "coder", "net", "connect", id+".example:1", "sh", builtIn("x"), "r", "egress")
		d.event(event.Event{Kind: event.KindDenial, Time: row.Last, Denial: &row})
	}
	arrive("new1", 300)
	if frame := strip(d.press("3")); !strings.Contains(frame, "denial new1") {
		t.Errorf("the newest is not selected:\n%s", frame)
	}
	d.press("j", "1")
	arrive("new2", 400)
	if frame := strip(d.press("3")); !strings.Contains(frame, "denial d6") {
		t.Errorf("the chosen row is not selected any more:\n%s", frame)
	}
}

func TestBuiltInRulesAreFolded(t *testing.T) {
	d := atWork(t, false, 120, 40)
	frame := strip(d.press("4"))
	if strings.Contains(frame, "~/.ssh") || !strings.Contains(frame, "3 places") {
		t.Errorf("not folded:\n%s", frame)
	}
	if own, given := strings.Index(frame, "~/project/**/.env"), strings.Index(frame, "~/.openclaw/agents/coder"); own < 0 || given < own {
		t.Errorf("what the program gives stands before the person's own rules:\n%s", frame)
	}
	if frame := strip(d.press("space", "enter")); !strings.Contains(frame, "~/.ssh") {
		t.Errorf("not unfolded:\n%s", frame)
	}
}

// A key for one provider is enough to begin: the second is no alarm.
func TestOneProviderIsEnough(t *testing.T) {
	o := Options{Backend: NewDemo(), Now: func() time.Time { return demoTime(28) }}
	d := &driver{t: t, s: newScreen(&o, newFeed(100), view.NewTheme(false, false))}
	d.s.resize(120, 36)
	d.s.feed.setLink(view.Link{Up: true})
	if frame := strip(d.frame()); strings.Contains(frame, "! no key") || strings.Contains(frame, "store a provider key") && !strings.Contains(frame, "✓ 1.") {
		t.Errorf("a second provider raises an alarm:\n%s", frame)
	}
}

// Keys that arrive in one burst mean what they mean one by one.
func TestABurstReachesTheQuestionThatItOpens(t *testing.T) {
	d := atWork(t, false, 80, 24)
	d.s.key(view.Key{Text: []rune("ql")})
	if !d.s.quit || d.s.outcome.StopGateway {
		t.Errorf("quit %v, stop %v", d.s.quit, d.s.outcome.StopGateway)
	}
	d = atWork(t, false, 80, 24)
	d.s.key(view.Key{Text: []rune("qs"), Paste: true})
	if d.s.quit {
		t.Error("pasted text stops the gateway")
	}
}

// The same of a form: what it asks for is done, and its spaces are spaces.
func TestABurstReachesTheFormThatItOpens(t *testing.T) {
	d := newDriver(t, NewDemoFirstRun(), true, 100, 30)
	d.press("6")
	d.s.key(view.Key{Text: []rune("fy")})
	if frame := strip(d.frame()); !strings.Contains(frame, "vault ● unlocked") {
		t.Errorf("no vault:\n%s", frame)
	}
	d = atWork(t, false, 80, 24)
	d.press("3")
	d.s.key(view.Key{Text: []rune("/a b")})
	if frame := strip(d.frame()); !strings.Contains(frame, "a b") {
		t.Errorf("the filter lacks what was typed:\n%s", frame)
	}
}

// A gateway that is gone is neither left running nor stopped.
func TestQuitWithoutAGateway(t *testing.T) {
	d := atWork(t, false, 80, 24)
	d.s.feed.setLink(view.Link{Tried: true, Problem: "refused", Attempt: 2})
	if frame := strip(d.press("q")); strings.Contains(frame, "leave the gateway") || strings.Contains(frame, "stop the gateway") {
		t.Errorf("it offers what cannot be:\n%s", frame)
	}
	if d.press("s"); d.s.quit {
		t.Error("s left the screen")
	}
	if d.press("l"); !d.s.quit || d.s.outcome.StopGateway {
		t.Error("l did not leave it")
	}
}
