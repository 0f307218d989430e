package tui

import (
	"context"
	"time"
)

// How long after the last key a person is taken to be at what is selected, and how often
// the gateway is told so.
const (
	atAsk      = 10 * time.Second
	pauseEvery = 2 * time.Second
)

// pausing is what was told of the ask that a person is at.
type pausing struct {
	id      string // of the ask
	told    time.Time
	under   bool // a call is on its way
	refused bool // its clock runs, whatever is told
}

// pauseClock has the clock of the selected ask stand still while it is in sight and the
// person's last key is young. The gateway decides; a screen that may not answer asks for
// nothing.
func (s *screen) pauseClock() {
	p := &s.pausing
	id := s.denials.At()
	if id != p.id {
		*p = pausing{id: id, under: p.under}
	}
	now := s.instant()
	switch {
	case id == "", p.under, p.refused, !s.data.Link.Up, s.data.ReadOnly:
		return
	case s.keyed.IsZero() || now.Sub(s.keyed) >= atAsk, !p.told.IsZero() && now.Sub(p.told) < pauseEvery:
		return
	}
	p.told, p.under = now, true
	s.add(func(ctx context.Context) func() {
		paused, err := s.backend.PauseAsk(ctx, id)
		return func() {
			p.under = false
			if p.id == id && (err != nil || !paused) { // it was answered, or its time is over
				p.refused = true
			}
		}
	})
}
