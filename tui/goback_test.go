package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"openclaw/gateway/event"
)

// keeper notes which versions are asked about and brought back.
type keeper struct {
	*Demo
	told  []string
	fails error
}

func (b *keeper) RollbackConfig(ctx context.Context, version int, dry bool) (event.Rollback, error) {
	word := "back"
	if dry {
		word = "look"
	}
	b.told = append(b.told, fmt.Sprint(word, " ", version))
	if !dry && b.fails == nil {
		now := b.world.config
		now.Version, now.Rejected = 13, false
		return event.Rollback{Config: now, Saved: "/home/ada/.openclaw/config.yaml.before-rollback"}, nil
	}
	if b.fails != nil {
		return event.Rollback{}, b.fails
	}
	return b.Demo.RollbackConfig(ctx, version, dry)
}

// A config comes back only after its difference was in sight and y was said.
func TestAConfigIsRolledBackFromTheScreen(t *testing.T) {
	for _, size := range [][2]int{{120, 36}, {80, 24}, {60, 16}} {
		b := &keeper{Demo: NewDemo()}
		d := newDriver(t, b, false, size[0], size[1])
		frame := strip(d.press("8", "R"))
		for _, want := range []string{"Roll back to", "› #11", "What #11 would change", "-          - api.example.test"} {
			if !strings.Contains(frame, want) {
				t.Errorf("%v: no %q:\n%s", size, want, frame)
			}
		}
		if frame = strip(d.press("pgdown")); !strings.Contains(frame, "+  level: debug") {
			t.Errorf("%v: the end of the difference cannot be reached:\n%s", size, frame)
		}
		if frame = strip(d.press("R")); !strings.Contains(frame, "Roll back to #11?") || strings.Contains(strings.Join(b.told, " "), "back") {
			t.Errorf("%v: %v\n%s", size, b.told, frame)
		}
		frame = strip(d.press("y"))
		if told := strings.Join(b.told, ", "); told != "look 11, back 11" {
			t.Errorf("%v: told %q", size, told)
		}
		if !strings.Contains(frame, "✓ #11 is back, as #13") || !strings.Contains(frame, "active #13") {
			t.Errorf("%v: it does not say so:\n%s", size, frame)
		}
	}
	for _, keys := range [][]string{
		{"R", "R", "n"}, {"R", "R", "enter"}, {"R", "R", "paste:y"}, {"R", "esc", "y"}, {"R", "j", "R", "y"}, {"R", "y"}, {"R", "k", "y"},
	} {
		b := &keeper{Demo: NewDemo()}
		d := newDriver(t, b, false, 120, 36)
		d.press("8")
		d.press(keys...)
		if told := strings.Join(b.told, ", "); strings.Contains(told, "back") || strings.Contains(told, "10") {
			t.Errorf("%v: told %q", keys, told)
		}
	}
	b := &keeper{Demo: NewDemo(), fails: errors.New("listener refuses it")}
	d := newDriver(t, b, false, 120, 36)
	if frame := strip(d.press("8", "R", "G")); !strings.Contains(frame, "It cannot be brought back: it holds a secret in the clear.") {
		t.Errorf("it does not say why:\n%s", frame)
	}
	if frame := strip(d.press("k")); !strings.Contains(frame, "✗ listener refuses it") {
		t.Errorf("a refusal is not in sight:\n%s", frame)
	}
	if frame := strip(d.press("R")); strings.Contains(frame, "Roll back to #11?") {
		t.Errorf("what is refused is offered:\n%s", frame)
	}
	// A change meanwhile makes what is in sight old: it is asked anew.
	b.fails = nil
	now := b.world.config
	d.event(event.Event{Config: &now})
	if frame := strip(d.frame()); !strings.Contains(frame, "+  level: debug") {
		t.Errorf("an old answer stays:\n%s", frame)
	}
}

func TestRollbackInPlainWords(t *testing.T) {
	b := &keeper{Demo: NewDemo()}
	got, _ := runPlainWith(t, b, false, "rollback", "rollback 11", "rollback 11 yes", "quit")
	for _, want := range []string{
		"version: 11, 2026-11-22", "kept. agents.reviewer", "version: 10, 2026-11-21", "not kept.", "config: rollback NUMBER",
		"diff: +  level: debug", "config: rollback 11 yes, brings it back", "config: the file that was on disk is now /home/ada",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q:\n%s", want, got)
		}
	}
	if told := strings.Join(b.told, ", "); told != "look 11, back 11" {
		t.Errorf("told %q", told)
	}
}
