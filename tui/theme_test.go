package tui

import (
	"strings"
	"testing"
	"time"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

// screened has the config of a gateway say what the screen is like.
func (d *driver) screened(set event.Screen) string {
	d.t.Helper()
	now := d.s.data.Config
	now.Screen = &set
	d.event(event.Event{Config: &now})
	d.at = d.at.Add(time.Second)
	return d.frame()
}

// Colours and glyphs of the config come into force while the screen is open, and go
// no further than the terminal or the command line allow.
func TestThemeAndGlyphsOfTheConfig(t *testing.T) {
	const bright, yellow, green = "\x1b[92m", "\x1b[33m", "\x1b[32m"
	d := atWork(t, true, 120, 36)
	if frame := d.press("3"); !strings.Contains(frame, yellow) {
		t.Fatalf("no colours to begin with:\n%q", frame)
	}
	frame := d.press("1")
	if !strings.Contains(frame, green) || !strings.Contains(frame, "●") {
		t.Fatalf("no colours to begin with:\n%q", frame)
	}
	if frame = d.screened(event.Screen{Theme: "dark"}); !strings.Contains(frame, bright) || strings.Contains(frame, green) {
		t.Errorf("dark is not:\n%q", frame)
	}
	if frame = d.screened(event.Screen{Theme: "light"}); !strings.Contains(frame, green) || strings.Contains(frame, "\x1b[33m") || strings.Contains(frame, "\x1b[93m") {
		t.Errorf("light has yellow:\n%q", frame)
	}
	frame = d.screened(event.Screen{Theme: "mono", Glyphs: "ascii"})
	for _, sequence := range strings.Split(frame, "\x1b")[1:] {
		if sequence = sequence[:strings.IndexByte(sequence, 'm')+1]; !strings.Contains("[m [1m [2m [7m", sequence) {
			t.Errorf("mono has %q", sequence)
		}
	}
	for _, r := range strip(frame) {
		if r > 126 {
			t.Fatalf("ascii holds %q:\n%s", r, strip(frame))
		}
	}
	if frame = d.screened(event.Screen{}); !strings.Contains(frame, green) || !strings.Contains(frame, "●") {
		t.Errorf("the default does not come back:\n%q", frame)
	}

	o := Options{Backend: NewDemo(), Now: func() time.Time { return demoTime(28) }, Start: startNothing}
	d = &driver{t: t, s: newScreen(&o, newFeed(feedSize), view.NewTheme(false, true))}
	d.s.instant = func() time.Time { return d.at }
	d.s.resize(120, 36)
	d.s.feed.setLink(view.Link{Up: true, Tried: true})
	if frame = d.screened(event.Screen{Theme: "dark", Glyphs: "unicode"}); strings.Contains(frame, "\x1b[9") || strings.Contains(frame, "●") {
		t.Errorf("the config went beyond NO_COLOR and --ascii:\n%q", frame)
	}
}

// A filter that is saved under a name is used by it, in every view and beside other words.
func TestSavedFilters(t *testing.T) {
	d := atWork(t, false, 120, 36)
	d.screened(event.Screen{Filters: []event.Filter{{Name: "refused", Line: "state:refused"}, {Name: "bad", Line: "/[/"}, {Name: "loud", Line: "level:warn+"}}})
	whole := strip(d.press("2"))
	if !strings.Contains(whole, "open") {
		t.Fatalf("no open connection in the demo:\n%s", whole)
	}
	frame := strip(d.press("/", "type:@"))
	if !strings.Contains(frame, "saved: @loud @refused") || strings.Contains(frame, "@bad") {
		t.Errorf("what is saved is not shown:\n%s", frame)
	}
	d.press("type:refused", "enter")
	v := d.s.views[view.Connections].(*view.ConnectionsView)
	if got := v.Shown(); got == 0 || got >= d.s.data.Connections.Len() {
		t.Errorf("@refused shows %d of %d", got, d.s.data.Connections.Len())
	}
	if frame = strip(d.press("/", "type: @nobody")); !strings.Contains(frame, "no filter is saved as nobody; /@nobody/ finds it as text") {
		t.Errorf("an unknown one is not said:\n%s", frame)
	}
	d.press("esc", "5", "/", "type:@loud gateway", "enter")
	if frame = strip(d.frame()); strings.Contains(frame, " INFO ") || !strings.Contains(frame, "@loud gateway") {
		t.Errorf("@loud in Logs:\n%s", frame)
	}
	if message, hint := view.JudgeFilter("@loud x"); message == "" || hint == "" {
		t.Error("a saved filter may hold another")
	}
}
