package tui

import (
	"context"
	"strings"
	"testing"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

// A key that changes the filter of a full log is answered at once, and its lines come when
// they were found: elsewhere. What an earlier key's look finds after that changes nothing.
func TestAFilterOfAFullLogHoldsUpNoKey(t *testing.T) {
	d := noAsks(t, false, 120, 36)
	for i := range view.MaxLogs {
		d.s.data.Logs.Push(event.LogLine{Time: demoTime(28), Level: "INFO", Source: "gateway", Message: []string{"request", "answer"}[i%2]})
	}
	d.press("5", "/")
	press := func(r rune) func() {
		t.Helper()
		d.s.key(view.Key{Text: []rune{r}})
		if len(d.s.pending) != 1 {
			t.Fatalf("%d tasks after a key of the filter", len(d.s.pending))
		}
		task := d.s.pending[0]
		d.s.pending = nil
		d.s.dirty = true
		if frame := d.s.view(); !strings.Contains(frame, "request") || !strings.Contains(frame, "answer") {
			t.Errorf("the lines of before are gone:\n%s", frame)
		}
		return task(context.Background())
	}
	first := press('a')
	second := press('n')
	d.event(event.Event{Kind: event.KindLog, Log: &event.LogLine{Time: demoTime(28), Level: "INFO", Source: "gateway", Message: "an answer that came meanwhile"}})
	second()
	if !d.s.dirty {
		t.Error("nobody draws what was found")
	}
	frame := d.s.view()
	if strings.Contains(frame, "request") || strings.Count(frame, "came meanwhile") != 2 { // among the lines, and below as the selected one
		t.Errorf("not what passes:\n%s", frame)
	}
	d.s.dirty = false
	if first(); d.s.dirty || d.s.view() != frame {
		t.Errorf("what is old counts:\n%s", d.s.view())
	}
}
