package tui

import (
	"context"
	"strconv"
	"time"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

// Desktop shows one notification at a time outside the terminal. Its calls may wait.
type Desktop interface {
	Tell(ctx context.Context, title, body string) error
	Withdraw(ctx context.Context) error
}

// notice is the notification about held requests.
type notice struct {
	agent string // of the newest request that is not told of yet; empty: none
	told  time.Time
	shown bool
	under bool // a call is on its way
}

// noticePause is the least time between two notifications: a burst is one.
const noticePause = 10 * time.Second

// announce notes a new held request for the desktop. Only the agent's name leaves
// the terminal: what is asked for is an agent's own text, and can hold a secret.
func (s *screen) announce(a *event.Ask) {
	if s.desktop != nil && s.settings.Notifications && s.told && a.Count <= 1 {
		s.notice.agent = a.Agent
		s.tellDesktop()
	}
}

// tellDesktop shows what is new, unless that was a moment ago, and takes it away when
// nothing waits any more.
func (s *screen) tellDesktop() {
	n := &s.notice
	if s.desktop == nil || n.under {
		return
	}
	waiting, first := s.data.Waiting()
	switch {
	case waiting == 0 && n.shown:
		n.agent, n.shown = "", false
		s.onDesktop(s.desktop.Withdraw)
	case waiting == 0:
		n.agent = ""
	case n.agent == "" || !s.settings.Notifications:
	case n.told.IsZero() || s.instant().Sub(n.told) >= noticePause:
		title := s.data.T("%s asks", n.agent)
		body := s.data.T("openclaw holds a request of the agent %s.", n.agent)
		if waiting > 1 {
			body = s.data.T("openclaw holds %s requests; the newest is of the agent %s.", strconv.Itoa(waiting), n.agent)
		}
		if s.data.Link.Up {
			body += " " + s.data.T("The first has %s left.", string(view.AppendLeft(nil, first)))
		}
		n.agent, n.told, n.shown = "", s.instant(), true
		s.onDesktop(func(ctx context.Context) error { return s.desktop.Tell(ctx, title, body) })
	}
}

// onDesktop makes one call. Where no desktop is, it fails, and nobody needs to know.
func (s *screen) onDesktop(call func(context.Context) error) {
	s.notice.under = true
	s.add(func(ctx context.Context) func() {
		_ = call(ctx) // most machines that are reached over ssh have none
		return func() {
			s.notice.under = false
		}
	})
}
