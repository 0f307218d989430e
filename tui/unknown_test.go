package tui

import (
	"strings"
	"testing"
	"time"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

// Until the gateway has answered no view says that there is nothing, or what is to be done
// about that; afterwards each says what it knows.
func TestNoViewSpeaksBeforeTheGatewayHas(t *testing.T) {
	o := Options{Backend: NewDemo(), Now: func() time.Time { return demoTime(28) }}
	s := newScreen(&o, newFeed(feedSize), view.NewTheme(false, false))
	s.resize(120, 36)
	const unknown = "The gateway has not answered yet."
	for _, link := range []view.Link{{}, {Tried: true, Problem: "no route", Attempt: 3}} {
		s.feed.setLink(link)
		s.frame()
		for _, name := range view.Names() {
			s.open(name)
			s.dirty = true
			if frame := s.view(); strings.Contains(frame, unknown) == (name == view.Logs) {
				t.Errorf("%s, before an answer:\n%s", name, frame)
			}
		}
	}
	d := newDriver(t, NewDemo(), false, 120, 36)
	for i := range view.Names() {
		if frame := d.press(string(rune('1' + i))); strings.Contains(frame, unknown) {
			t.Errorf("after an answer:\n%s", frame)
		}
	}
}

// A gateway that was lost and is there again is told of on the result line. What starts one
// is named where it can be started from here, and nowhere else.
func TestALostGatewayIsToldOf(t *testing.T) {
	for _, elsewhere := range []bool{false, true} {
		d := newDriver(t, NewDemo(), false, 120, 36)
		d.s.data.Elsewhere = elsewhere
		d.s.feed.setLink(view.Link{Tried: true, Attempt: 1, Problem: "the connection ended"})
		frame := d.frame()
		d.s.over = overlayQuit
		frame += d.frame()
		d.s.over = overlayNone
		if named := strings.Contains(frame, "openclaw tui"); named == elsewhere || !strings.Contains(frame, "gateway lost") || strings.Contains(frame, "runs elsewhere") != elsewhere {
			t.Errorf("elsewhere %v:\n%s", elsewhere, frame)
		}
		d.s.feed.setLink(view.Link{Up: true, Tried: true})
		if frame := d.frame(); !strings.Contains(frame, "✓ the gateway answers again") {
			t.Errorf("it does not say that it is back:\n%s", frame)
		}
	}
}

// The word of a request that waits stands out without a colour, in both lists.
func TestTheWordOfAHeldRequestIsBold(t *testing.T) {
	d, _ := inboxAt(t, 120, 36)
	d.event(event.Event{Kind: event.KindAsk, Ask: &event.Ask{ID: "a1", State: event.AskWaiting, Agent: "coder", Operation: "open", Target: "/x", Count: 1, Deadline: demoTime(60)}})
	for key, row := range map[string]string{"1": " \x1b[1mask\x1b[m     coder     open ", "3": " \x1b[1mask\x1b[m "} {
		if frame := d.press(key); !strings.Contains(frame, row) {
			t.Errorf("view %s:\n%q", key, frame)
		}
	}
}
