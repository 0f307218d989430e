package tui

import (
	"errors"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

// bound has the config of a gateway say which keys the screen has.
func (d *driver) bound(bell bool, keys ...event.KeyBinding) string {
	d.t.Helper()
	now := d.s.data.Config
	now.Screen = &event.Screen{Keys: keys, Bell: bell}
	d.event(event.Event{Config: &now})
	d.at = d.at.Add(time.Second)
	return strip(d.frame())
}

// A change of the config moves keys while the screen is open: what answers, what
// the foot line, the help and the palette name, and what the texts say.
func TestKeysMoveWhileTheScreenIsOpen(t *testing.T) {
	for _, size := range [][2]int{{120, 36}, {80, 24}, {60, 16}} {
		d, b := inboxAt(t, size[0], size[1])
		d.press("3")
		frame := d.bound(true,
			event.KeyBinding{Action: "asks.allow", Keys: []string{"f5", "alt+a"}}, event.KeyBinding{Action: "quit", Keys: []string{"f10"}},
			event.KeyBinding{Action: "view.open.Logs", Keys: []string{"L"}}, event.KeyBinding{Action: "help", Keys: []string{"f1"}},
			event.KeyBinding{Action: "palette", Keys: []string{"ctrl+p"}})
		for _, want := range []string{"f5 allow", "f10 quit", "f1 help"} {
			if !strings.Contains(frame, want) {
				t.Errorf("%v: no %q:\n%s", size, want, frame)
			}
		}
		sound(t, frame, size[0], size[1])
		d.press("a", "a")
		if len(b.told) > 0 {
			t.Errorf("%v: the old key answers: %v", size, b.told)
		}
		d.at = d.at.Add(time.Second)
		d.press("alt+a")
		if len(b.told) != 1 {
			t.Errorf("%v: the new key does not answer: %v", size, b.told)
		}
		if frame = strip(d.press("f1")); !strings.Contains(frame, "f5 alt+a") {
			t.Errorf("%v: help does not show it:\n%s", size, frame)
		}
		if frame = strip(d.press("esc", "ctrl+p", "type:open logs")); !strings.Contains(frame, " L") {
			t.Errorf("%v: the palette does not show it:\n%s", size, frame)
		}
		if frame = strip(d.press("ctrl+p", "L")); !strings.Contains(frame, "[L Logs]") {
			t.Errorf("%v: it does not open the view:\n%s", size, frame)
		}
		if d.press("5"); d.s.current != view.Logs {
			t.Errorf("%v: 5 still opens something", size)
		}
		if frame = d.bound(true); !strings.Contains(frame, "? help") || !strings.Contains(frame, "[5 Logs]") {
			t.Errorf("%v: its own keys do not come back:\n%s", size, frame)
		}
	}
}

// Keys that a gateway sends and that may not be, as from another version of the
// program, do not come into force.
func TestBadKeysFromAGatewayAreNotUsed(t *testing.T) {
	d, b := inboxAt(t, 120, 36)
	d.press("3")
	if frame := d.bound(true, event.KeyBinding{Action: "asks.allow", Keys: []string{"enter"}}); !strings.Contains(frame, "the keys of the config are not used: asks.allow: enter may not answer") {
		t.Errorf("it does not say so:\n%s", frame)
	}
	d.at = d.at.Add(time.Second)
	d.press("enter", "enter")
	if len(b.told) > 0 {
		t.Errorf("enter answers: %v", b.told)
	}
}

func TestAKeyThatMovesDoesNotAnswer(t *testing.T) {
	d, b := inboxAt(t, 120, 36)
	d.press("3")
	now := d.s.data.Config
	now.Screen = &event.Screen{Keys: []event.KeyBinding{{Action: "asks.allow", Keys: []string{"d"}}, {Action: "asks.deny", Keys: []string{"a"}}}}
	d.at = d.at.Add(time.Second)
	d.event(event.Event{Config: &now})
	d.s.key(view.Key{Text: []rune("d")}) // meant to deny
	d.frame()
	if len(b.told) > 0 {
		t.Errorf("a key that was under way answers: %v", b.told)
	}
}

func TestTheBellCanBeSilent(t *testing.T) {
	for _, bell := range []bool{true, false} {
		d := noAsks(t, false, 120, 36)
		d.bound(bell)
		d.s.bell = false
		d.event(event.Event{Ask: &event.Ask{ID: "new", State: event.AskWaiting, Count: 1, Agent: "coder"}})
		if d.s.bell != bell {
			t.Errorf("bell: %v, and it rings: %v", bell, d.s.bell)
		}
	}
}

// A screen whose gateway is elsewhere has the settings of its own machine, and
// says when they cannot be read.
func TestSettingsOfThisMachine(t *testing.T) {
	d := atWork(t, false, 120, 36)
	set, failed := DefaultSettings(), error(nil)
	d.s.lookSettings = func() (Settings, error) { return set, failed }
	tick := func() string {
		d.at = d.at.Add(settingsEach)
		d.s.tick()
		return strip(d.frame())
	}
	set.Keys = view.KeyMap{"help": {"f1"}}
	if frame := tick(); !strings.Contains(frame, "f1 help") {
		t.Errorf("not taken up:\n%s", frame)
	}
	d.bound(true, event.KeyBinding{Action: "help", Keys: []string{"f2"}})
	if frame := strip(d.frame()); !strings.Contains(frame, "f1 help") {
		t.Errorf("the gateway's took their place:\n%s", frame)
	}
	failed = errors.New("config.yaml:3:1: no")
	if frame := tick(); !strings.Contains(frame, "the config of this machine is not used: config.yaml:3:1: no") || !strings.Contains(frame, "f1 help") {
		t.Errorf("it does not say so, or forgot:\n%s", frame)
	}
}
