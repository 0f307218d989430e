package tui

import (
	"context"
	"strings"
	"testing"

	"openclaw/gateway/event"
)

// askingBackend has two held requests.
type askingBackend struct{ *Demo }

func (b askingBackend) Overview(ctx context.Context) (event.Overview, error) {
	o, err := b.Demo.Overview(ctx)
	o.Asks = 2
	return o, err
}

// A held request keeps a program waiting: whoever looks at the screen sees that,
// whatever the view, and how to answer. No byte of it reaches the terminal raw.
func TestHeldRequestsAreSeen(t *testing.T) {
	d := newDriver(t, askingBackend{NewDemo()}, false, 120, 36)
	if frame := strip(d.frame()); !strings.Contains(frame, "2 asks wait") || !strings.Contains(frame, "openclaw asks") {
		t.Errorf("held requests are not seen:\n%s", frame)
	}
	d.press("5")
	d.event(event.Event{Kind: event.KindAsk, Ask: &event.Ask{
		ID: "a1", State: event.AskWaiting, Agent: "coder", Operation: "open", Target: "/x/\x1b[2J\u202ey",
	}})
	frame := d.frame()
	if !strings.Contains(frame, "coder asks: open /x/") || strings.Contains(frame, "\u202e") || strings.Contains(frame, "\x1b[2J") {
		t.Errorf("a new held request is not seen, or raw:\n%q", frame)
	}
}
