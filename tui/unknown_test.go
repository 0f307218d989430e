package tui

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
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

// Who has the screen read out hears what a record says, and how many there are; not its
// JSON. Where there are more than are said it is told so.
func TestThePlainModeReadsRecordsOut(t *testing.T) {
	got, _ := runPlainWith(t, NewDemo(), false, "audit", "quit")
	said := 0
	for line := range strings.Lines(got) {
		if text, is := strings.CutPrefix(line, "audit: 2026-"); is {
			said++
			if strings.ContainsAny(text, `{}"`) || !strings.Contains(text, ", ") || !strings.Contains(text, ". ") {
				t.Errorf("read out: %s", line)
			}
		}
	}
	if said == 0 || !strings.Contains(got, strconv.Itoa(said)+" records in the last hour") {
		t.Errorf("%d records:\n%s", said, got)
	}
	got, _ = runPlainWith(t, manyRecords{NewDemo()}, false, "audit", "quit")
	if !strings.Contains(got, "the newest 50 records of the last hour") {
		t.Errorf("it does not say that there are more:\n%s", got)
	}
}

// manyRecords has as many as are asked for.
type manyRecords struct{ *Demo }

func (b manyRecords) Audit(_ context.Context, _ time.Duration, limit int) ([]json.RawMessage, error) {
	return slices.Repeat([]json.RawMessage{json.RawMessage(`{"timestamp":"2026-11-29T11:00:00Z","event_type":"run_start"}`)}, limit), nil
}
