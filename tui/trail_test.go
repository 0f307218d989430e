package tui

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/event"
)

// trailBackend notes what is asked of it about connections.
type trailBackend struct {
	*Demo
	asked []string
	more  []event.Step
}

func (b *trailBackend) Connection(ctx context.Context, id string, records bool) (event.ConnectionTrail, error) {
	word := id
	if records {
		word += " with records"
	}
	b.asked = append(b.asked, word)
	trail, err := b.Demo.Connection(ctx, id, records)
	trail.Steps = append(trail.Steps, b.more...)
	return trail, err
}

// e shows what happened on the selected connection and on no other one, and what is on
// record of it; it is fetched anew as the connection goes on, the audit log only when it
// is first looked at and when it has ended. e and esc close it.
func TestTheEventsOfAConnection(t *testing.T) {
	b := &trailBackend{Demo: NewDemo()}
	d := newDriver(t, b, false, 200, 60)
	frame := strip(d.press("2", "/", "type:kind:net", "enter", "e"))
	for _, want := range []string{"events of the", "11:29:48 opened  by allowed_domains", "held  for 3.2s, until it was allowed", "on record  approval", "on record  authorization"} {
		if !strings.Contains(frame, want) {
			t.Errorf("no %q:\n%s", want, frame)
		}
	}
	if strings.Contains(frame, "openclaw.overview") {
		t.Errorf("it shows another one's:\n%s", frame)
	}
	row := *d.s.data.Connections.Get("c-20")
	again := func(change func()) string {
		t.Helper()
		change()
		d.event(event.Event{Connection: &row})
		d.later(3 * time.Second)
		return strip(d.frame())
	}
	if again(func() {}); len(b.asked) != 1 {
		t.Errorf("asked %q of one that does nothing", b.asked)
	}
	b.more = []event.Step{{Kind: event.StepCut, First: demoTime(29), Last: demoTime(29), Count: 1, Text: "cli, c-77"}}
	if frame := again(func() { row.BytesIn += 9 }); !strings.Contains(frame, "cut  by cli, c-77") || !strings.Contains(frame, "on record  approval") {
		t.Errorf("what is new is not there, or what is on record is gone:\n%s", frame)
	}
	again(func() { row.State, row.Closed = "closed", demoTime(29) })
	if want := []string{"c-20 with records", "c-20", "c-20 with records"}; !slices.Equal(b.asked, want) {
		t.Errorf("asked %q, not %q", b.asked, want)
	}
	for _, key := range []string{"e", "esc"} {
		if frame := strip(d.press(key)); strings.Contains(frame, "events of the") {
			t.Errorf("%s does not close them:\n%s", key, frame)
		}
		d.press("e")
	}
	frame = strip(d.press("/", "ctrl+u", "type:kind:unix", "enter"))
	for _, want := range []string{"request  openclaw.overview  31 times, the last at 11:29:50", "refused  openclaw.config.rollback: version 10 is not kept"} {
		if !strings.Contains(frame, want) {
			t.Errorf("no %q of the client that is selected now:\n%s", want, frame)
		}
	}
}

// What a connection's events say is as printable as everything else that comes from outside.
func TestNothingDrawsFromAConnectionsEvents(t *testing.T) {
	b := &trailBackend{Demo: NewDemo(), more: []event.Step{{Kind: "\x1b[2Jkind", First: demoTime(1), Count: 1, Text: "\x1b]0;title\x07\u202e"}}}
	d := newDriver(t, b, false, 120, 36)
	if frame := d.press("2", "/", "type:kind:net", "enter", "e"); strings.Contains(frame, "\x1b[2J") || strings.Contains(frame, "\x1b]0;") || strings.Contains(frame, "\u202e") || !strings.Contains(strip(frame), "title") {
		t.Errorf("%q", frame)
	}
}

// The screen's own connection is told apart and is not closed by x, which would only bring
// another one; nor is it offered.
func TestTheScreensOwnConnectionIsNotClosed(t *testing.T) {
	b := &manyBackend{Demo: NewDemo(), rows: []event.Connection{connectionRow(0, "delta"), connectionRow(1, "alpha")}}
	b.world.overview.Caller = "c0"
	d := newDriver(t, b, false, 120, 36)
	frame := strip(d.press("2", "/", "type:delta", "enter"))
	if strings.Contains(frame, "x close…") || !strings.Contains(frame, "this screen") {
		t.Errorf("it is offered, or not told apart:\n%s", frame)
	}
	if frame := strip(d.press("x")); !strings.Contains(frame, "this is the screen's own connection: q leaves the screen") {
		t.Errorf("x says nothing:\n%s", frame)
	}
	d.press("/", "ctrl+u", "enter", "g", "m", "down", "m")
	if frame := strip(d.press("x")); !strings.Contains(frame, "Close the connection of 192.0.2.2:400?") {
		t.Errorf("of both only the other one:\n%s", frame)
	}
	if d.press("y"); !slices.Equal(b.told, []string{"close c1"}) {
		t.Errorf("%q", b.told)
	}
}

// The plain mode tells the events of one connection by its id.
func TestPlainEvents(t *testing.T) {
	got, _ := runPlainWith(t, NewDemo(), false, "events c-20", "events", "events nosuch", "connections", "quit")
	for _, want := range []string{
		"opened, by allowed_domains: api.example.test:443", "held, for 3.2s, until it was allowed", "on record, approval, operator, allowed. allow api.example.test:443",
		"4 in all", "events takes the id of a connection", "there is none", "3 in all; events ID tells what happened on one",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// What is open has an address and nothing that is wrong; what was ended has a reason.
func TestAnOpenConnectionHasAnAddressAndNoReason(t *testing.T) {
	for detail, label := range map[string]string{"192.0.2.1:443": "address   192.0.2.1:443", "192.0.2.1:443: you closed it": "reason    192.0.2.1:443: you closed it"} {
		d := newDriver(t, NewDemo(), false, 200, 60)
		d.event(event.Event{Connection: &event.Connection{ID: "c-99", Kind: event.ConnectionNet, Agent: "coder", From: "cage coder", Route: "there.test:443", State: "open", Detail: detail, Opened: demoTime(1)}})
		if frame := strip(d.press("2", "/", "type:there.test", "enter", "g")); !strings.Contains(frame, label) {
			t.Errorf("no %q:\n%s", label, frame)
		}
	}
}
