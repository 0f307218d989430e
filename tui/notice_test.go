package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/event"
)

// noted stands in for a desktop: it notes what it is told.
type noted struct {
	told []string
	err  error
}

func (n *noted) Tell(_ context.Context, title, body string) error {
	n.told = append(n.told, title+": "+body)
	return n.err
}

func (n *noted) Withdraw(context.Context) error {
	n.told = append(n.told, "withdrawn")
	return n.err
}

func (d *driver) later(by time.Duration) {
	d.at = d.at.Add(by)
	d.s.tick()
	d.frame()
}

func held(id string) event.Event {
	return event.Event{Ask: &event.Ask{
		ID: id, State: event.AskWaiting, Count: 1, Agent: "coder", Program: "/usr/bin/curl", CommandLine: "curl -H CANARY-sk-ant-1",
		Operation: "connect", Target: "CANARY.example.test:443", Deadline: demoTime(88),
	}}
}

// The desktop hears who asks, once in a burst, and never for what.
func TestTheDesktopHearsWhoAsks(t *testing.T) {
	n := &noted{}
	d := noAsks(t, false, 120, 36)
	d.s.desktop, d.at = n, d.at.Add(time.Second)
	d.event(held("one"))
	if want := "[coder asks: openclaw holds a request of the agent coder. The first has 1:00 left.]"; fmt.Sprint(n.told) != want {
		t.Errorf("told %q, want %s", n.told, want)
	}
	for i := range 50 {
		d.event(held(fmt.Sprint("more", i)))
	}
	if len(n.told) != 1 {
		t.Errorf("a burst is told %d times", len(n.told))
	}
	d.later(noticePause)
	if len(n.told) != 2 || !strings.Contains(n.told[1], "openclaw holds 51 requests; the newest is of the agent coder.") {
		t.Errorf("after the burst: %q", n.told)
	}
	d.later(noticePause)
	repeat := held("one")
	repeat.Ask.Count = 2
	d.event(repeat)
	if d.later(noticePause); len(n.told) != 2 {
		t.Errorf("what is known is told again: %q", n.told)
	}
	for i := range d.s.data.Asks.Len() {
		d.s.data.Asks.Oldest(i).State = event.AskDenied
	}
	d.later(time.Second)
	if d.later(time.Second); len(n.told) != 3 || n.told[2] != "withdrawn" {
		t.Errorf("nothing waits any more: %q", n.told)
	}
	if strings.Contains(fmt.Sprint(n.told), "CANARY") || strings.Contains(fmt.Sprint(n.told), "curl") {
		t.Errorf("an agent's own words leave the terminal: %q", n.told)
	}
}

func TestTheDesktopIsLeftAlone(t *testing.T) {
	for name, prepare := range map[string]func(d *driver){
		"switched off":       func(d *driver) { d.s.settings.Notifications = false },
		"waited before":      func(d *driver) { d.s.told = false },
		"answered meanwhile": func(d *driver) { d.s.notice.told = d.at },
	} {
		n := &noted{}
		d := noAsks(t, false, 120, 36)
		d.s.desktop, d.at = n, d.at.Add(time.Second)
		prepare(d)
		d.event(held("one"))
		d.s.data.Asks.Get("one").State = event.AskDenied
		if d.later(2 * noticePause); len(n.told) > 0 {
			t.Errorf("%s: %q", name, n.told)
		}
	}
	// One that fails is asked again at the next request, and the screen goes on.
	n := &noted{err: errors.New("no desktop")}
	d := noAsks(t, false, 120, 36)
	d.s.desktop, d.at = n, d.at.Add(time.Second)
	d.event(held("one"))
	d.later(noticePause)
	if d.event(held("two")); len(n.told) != 2 {
		t.Errorf("%q", n.told)
	}
	if frame := strip(d.frame()); strings.Contains(frame, "no desktop") {
		t.Errorf("it is in the way:\n%s", frame)
	}
}
