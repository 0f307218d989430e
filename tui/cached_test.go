package tui

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

// Whatever happens, and in whatever order, the frame that is kept is the one that would be
// drawn from what the screen knows: nothing changes behind it.
func TestTheFrameThatIsKeptIsTheOneThatWouldBeDrawn(t *testing.T) {
	keys := []string{
		"1", "2", "3", "4", "5", "6", "7", "8", "9", "?", ":", "esc", "esc", "esc", "enter", "tab", "j", "k", "g", "G", "space", "/", "\\", "o", "p", "f", "l", "t", "s", "m", "w",
		"a", "d", "A", "c", "x", "y", "n", "u", "v", "e", "r", "R", "i", "N", "ctrl+u", "backspace", "up", "down", "right", "ctrl+f", "ctrl+b", "M", "q", "ctrl+r",
	}
	for seed := range uint64(24) {
		r := rand.New(rand.NewPCG(seed, 3))
		demo := NewDemo()
		d := newDriver(t, demo, true, 120, 36)
		d.s.saveFilter = new(saver).save
		now := demoTime(0)
		d.s.now = func() time.Time { return now }
		var waiting []task
		script := demo.script
		for step := range 600 {
			did := ""
			switch n := r.IntN(20); {
			case n < 10:
				did = keys[r.IntN(len(keys))]
				d.at = d.at.Add(time.Duration(r.IntN(900)) * time.Millisecond)
				if k := (view.Key{Name: did}); len(did) == 1 {
					d.s.key(view.Key{Text: []rune(did)})
				} else {
					d.s.key(k)
				}
			case n < 13 && len(script) > 0:
				did = "an event"
				d.s.feed.push(view.Clean(script[0]))
				script = script[1:]
				d.s.frame()
			case n < 14:
				did = "lines"
				for i := range r.IntN(5) {
					line := demoLog(i, "WARN", "gateway", "request", fmt.Sprint("step=", step))
					d.s.feed.push(event.Event{Kind: event.KindLog, Log: &line})
				}
				d.s.frame()
			case n < 16:
				did = "a second"
				now, d.at = now.Add(time.Second), d.at.Add(time.Second)
				d.s.tick()
			case n < 17:
				did = "a size"
				d.s.resize(1+r.IntN(180), 1+r.IntN(60))
			case n < 18:
				did = "a click"
				d.s.point(mouse{x: r.IntN(120), y: r.IntN(36), wheel: r.IntN(3) - 1})
			default: // an answer comes, perhaps not the first one
				if len(waiting) > 0 {
					did = "an answer"
					i := r.IntN(len(waiting))
					apply := waiting[i](context.Background())
					waiting = append(waiting[:i], waiting[i+1:]...)
					if apply != nil {
						apply()
					}
				}
			}
			waiting = append(waiting, d.s.pending...)
			d.s.pending, d.s.quit = nil, false
			kept := d.s.view()
			d.s.dirty = true
			if drawn := d.s.view(); kept != drawn {
				at, want := strings.Split(kept, "\n"), strings.Split(drawn, "\n")
				for i := range min(len(at), len(want)) {
					if at[i] != want[i] {
						t.Fatalf("seed %d, step %d, after %q, row %d:\nkept  %q\ndrawn %q", seed, step, did, i+1, at[i], want[i])
					}
				}
				t.Fatalf("seed %d, step %d, after %q: %d rows are kept and %d drawn", seed, step, did, len(at), len(want))
			}
		}
	}
}

// What is chosen in the palette is seen as it is chosen, not when something else happens.
func TestAnActionOfThePaletteIsSeenAtOnce(t *testing.T) {
	d := atWork(t, false, 120, 36)
	d.press("1", ":", "type:rotate")
	d.s.key(view.Key{Name: "enter"})
	if frame := d.s.view(); !strings.Contains(frame, "Rotate secret") || !strings.Contains(frame, "never in YAML") {
		t.Errorf("the form is not there:\n%s", frame)
	}
}

// How long an answer holds is chosen for one request: the next one is never shown with it,
// not for a moment.
func TestAScopeIsShownWithItsOwnRequestOnly(t *testing.T) {
	d := atWork(t, false, 120, 36)
	if frame := strip(d.press("3", "s")); !strings.Contains(frame, "[this run]") {
		t.Fatalf("it is not chosen:\n%s", frame)
	}
	d.s.key(view.Key{Text: []rune("j")})
	if frame := strip(d.s.view()); !strings.Contains(frame, "[once]") || strings.Contains(frame, "[this run]") {
		t.Errorf("the next request is shown with it:\n%s", frame)
	}
}
