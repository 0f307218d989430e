package tui

import (
	"slices"
	"strings"
	"testing"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

// The config says which allows ask for y once more. Whatever it says, a rule is shown and
// written by y alone, and a denial is one key.
func TestTheConfigSaysWhichAllowsAskOnceMore(t *testing.T) {
	const once, run, wide, always = "allow 4f2a91 once exact", "allow 4f2a91 run exact", "allow 4f2a91 run host", "allow 4f2a91 always exact"
	for _, c := range []struct {
		confirm string
		keys    []string
		atOnce  string // after these keys
		want    string // after y
	}{
		{"", []string{"a"}, once, once},
		{"", []string{"s", "a"}, "", run},
		{view.ConfirmOnWiden, []string{"a"}, once, once},
		{view.ConfirmOnWiden, []string{"s", "a"}, "", run},
		{view.ConfirmOnWiden, []string{"m", "a"}, "", wide},
		{view.ConfirmNever, []string{"a"}, once, once},
		{view.ConfirmNever, []string{"s", "a"}, run, run},
		{view.ConfirmNever, []string{"m", "a"}, wide, wide},
		{view.ConfirmNever, []string{"s", "s", "a"}, "", always},
		{view.ConfirmAlways, []string{"a"}, "", once},
		{view.ConfirmAlways, []string{"s", "a"}, "", run},
		{view.ConfirmAlways, []string{"s", "s", "a"}, "", always},
		{view.ConfirmAlways, []string{"d"}, "deny 4f2a91", "deny 4f2a91"},
		{"of a newer gateway", []string{"a"}, "", once},
	} {
		d, b := inboxAt(t, 120, 36)
		d.event(event.Event{Kind: event.KindConfig, Config: &event.ConfigStatus{Screen: &event.Screen{Confirm: c.confirm}}})
		d.press("3")
		d.press(c.keys...)
		if got := strings.Join(b.told, ", "); got != c.atOnce {
			t.Errorf("%q, %v: told %q, want %q", c.confirm, c.keys, got, c.atOnce)
		}
		for _, no := range []string{"enter", "esc", "space", "paste:y", "a"} { // each says no to the question, and answers nothing
			if c.atOnce != "" {
				break
			}
			d.press(no)
			if len(b.told) != 0 {
				t.Errorf("%q, %v: %s answers: %v", c.confirm, c.keys, no, b.told)
			}
			if no != "a" && d.s.question() == "" {
				d.press("a")
			}
		}
		if d.s.question() == "" && c.atOnce == "" {
			d.press("a")
		}
		d.press("y")
		if got := strings.Join(b.told, ", "); got != c.want {
			t.Errorf("%q, %v, y: told %q, want %q", c.confirm, c.keys, got, c.want)
		}
	}
}

// A change of the config holds from the next key on.
func TestAChangedConfirmHoldsFromTheNextKeyOn(t *testing.T) {
	d, b := inboxAt(t, 120, 36)
	set := func(confirm string) {
		d.event(event.Event{Kind: event.KindConfig, Config: &event.ConfigStatus{Screen: &event.Screen{Confirm: confirm}}})
	}
	set(view.ConfirmAlways)
	d.press("3", "a")
	if len(b.told) != 0 || !strings.Contains(strip(d.frame()), "Allow it once?") {
		t.Fatalf("told %v:\n%s", b.told, strip(d.frame()))
	}
	d.press("x")
	set(view.ConfirmNever)
	if frame := strip(d.press("a")); !slices.Equal(b.told, []string{"allow 4f2a91 once exact"}) {
		t.Errorf("told %v:\n%s", b.told, frame)
	}
}

// What was asked about is what y gives: when the request ends before it, and another
// answer is offered then, y gives none.
func TestYGivesOnlyWhatWasAskedAbout(t *testing.T) {
	for _, state := range []string{event.AskMissed, event.AskGone, event.AskDenied} {
		d, b := inboxAt(t, 120, 36)
		d.event(event.Event{Kind: event.KindConfig, Config: &event.ConfigStatus{Screen: &event.Screen{Confirm: view.ConfirmAlways}}})
		d.press("3", "a")
		row := *ask(t, b, "4f2a91")
		row.State = state
		d.event(event.Event{Kind: event.KindAsk, Ask: &row})
		if d.press("y"); len(b.told) != 0 {
			t.Errorf("%s: told %v", state, b.told)
		}
	}
}
