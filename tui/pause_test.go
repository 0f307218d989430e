package tui

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

// pauseBackend notes which asks it is told that a person is at.
type pauseBackend struct {
	*Demo
	told  []string
	clock bool  // it has the clock stand still
	err   error // or this
}

func (b *pauseBackend) PauseAsk(_ context.Context, id string) (bool, error) {
	b.told = append(b.told, id)
	return b.clock, b.err
}

func pauseAt(t *testing.T, o Options) (*driver, *pauseBackend) {
	t.Helper()
	b := &pauseBackend{Demo: NewDemo(), clock: true}
	o.Backend, o.Now, o.Start = b, func() time.Time { return demoTime(28) }, startNothing
	d := &driver{t: t, s: newScreen(&o, newFeed(100), view.NewTheme(false, false)), at: time.Unix(1_800_000_000, 0)}
	d.s.instant = func() time.Time { return d.at }
	d.s.resize(120, 36)
	d.s.feed.setLink(view.Link{Up: true, Tried: true})
	d.frame()
	return d, b
}

// seconds lets time go by, as the program's ticker tells it.
func (d *driver) seconds(n int) {
	for range n {
		d.at = d.at.Add(time.Second)
		d.s.tick()
		d.frame()
	}
}

// The gateway is told which ask a person is at while it is selected in sight and the last
// key is younger than ten seconds, every two seconds, and never otherwise.
func TestTheGatewayIsToldWhichAskAPersonIsAt(t *testing.T) {
	d, b := pauseAt(t, Options{})
	d.seconds(5)
	if len(b.told) != 0 {
		t.Fatalf("before any key: %v", b.told)
	}
	d.press("1")
	d.seconds(5)
	if len(b.told) != 0 {
		t.Fatalf("in another view: %v", b.told)
	}
	d.press("3")
	d.seconds(30)
	if want := slices.Repeat([]string{"4f2a91"}, 5); !slices.Equal(b.told, want) {
		t.Errorf("in the ten seconds after a key: %v", b.told)
	}
	b.told = nil
	d.press("j")
	d.seconds(3)
	if !slices.Equal(b.told, []string{"9e33a0", "9e33a0"}) {
		t.Errorf("of the next: %v", b.told)
	}
	for name, keys := range map[string][]string{"help": {"?"}, "a denial": {"j", "j"}, "another view": {"4"}} {
		d, b := pauseAt(t, Options{})
		d.press("3", "j")
		d.press(keys...)
		d.seconds(8)
		if len(b.told) != 0 {
			t.Errorf("%s: %v", name, b.told)
		}
	}
	d, b = pauseAt(t, Options{})
	d.press("3")
	d.s.resize(50, 10)
	d.frame()
	d.seconds(5)
	if len(b.told) != 0 {
		t.Errorf("of a screen too small to show it: %v", b.told)
	}
	d, b = pauseAt(t, Options{ReadOnly: true})
	d.press("3")
	d.seconds(5)
	if len(b.told) != 0 {
		t.Errorf("of a screen that only shows: %v", b.told)
	}
}

// Writing a note takes time: every key of it counts.
func TestTheClockIsPausedWhileANoteIsWritten(t *testing.T) {
	d, b := pauseAt(t, Options{})
	d.press("3", "c")
	for range 10 {
		d.press("type:x")
		d.seconds(4)
	}
	if len(b.told) < 15 {
		t.Errorf("told %d times in 40 seconds", len(b.told))
	}
}

// A gateway that says no, or knows nothing of it, is not asked again about that ask, and
// the screen says nothing of it.
func TestAGatewayThatDoesNotPauseIsNotAskedAgain(t *testing.T) {
	for _, failed := range []error{nil, errors.New("unknown method")} {
		d, b := pauseAt(t, Options{})
		b.clock, b.err = false, failed
		d.press("3")
		d.seconds(8)
		if len(b.told) != 1 {
			t.Errorf("%v: %v", failed, b.told)
		}
		if frame := strip(d.frame()); strings.Contains(frame, "unknown method") || strings.Contains(frame, "paused") {
			t.Error(frame)
		}
		d.press("j")
		d.seconds(1)
		if len(b.told) != 2 {
			t.Errorf("%v: the next one is not tried: %v", failed, b.told)
		}
	}
}

// A clock that stands still is shown so, on every screen, in both languages; the event
// adds nothing to what is recent and rings no bell.
func TestAPausedClockIsShown(t *testing.T) {
	clock := event.Event{Kind: event.KindClock, Clock: &event.Clock{ID: "4f2a91", Deadline: demoTime(28 + 48 + 60), PausedUntil: demoTime(28 + 60)}}
	for language, want := range map[string]string{"en": "0:48 left, clock paused; 14 alike wait", "zh": "0:48 剩余，计时已暂停；14 个相同的在等"} {
		d := atWork(t, true, 160, 36)
		if language == "zh" {
			d = chineseScreen(t, 160, 36)
		}
		recent := d.s.data.Recent.Next()
		d.event(clock)
		if frame := strip(d.press("3")); !strings.Contains(frame, want) || !strings.Contains(frame, ", 0:48 ") {
			t.Errorf("%s: the clock does not stand still:\n%s", language, frame)
		}
		if d.s.data.Recent.Next() != recent || d.s.bell {
			t.Errorf("%s: it is news", language)
		}
		gone := clock
		gone.Clock = &event.Clock{ID: "4f2a91", Deadline: demoTime(28 + 30), PausedUntil: demoTime(27)}
		d.event(gone, event.Event{Kind: event.KindClock, Clock: &event.Clock{ID: "nobody"}}, event.Event{Kind: event.KindClock, Clock: &event.Clock{ID: "7c1d02", Deadline: demoTime(99)}})
		if frame := strip(d.frame()); strings.Contains(frame, want) || !strings.Contains(frame, "0:30") {
			t.Errorf("%s: the clock does not go on:\n%s", language, frame)
		}
	}
}
