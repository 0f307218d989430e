package tui

import (
	"context"
	"testing"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

// Update takes in what came and formats nothing of it: a stream of lines, and of denials
// that repeat, leaves no text behind, however many there are.
func TestUpdateFormatsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d := atWork(t, true, 120, 40)
	m := &model{screen: d.s, ctx: ctx, crash: &crash{stop: cancel}, work: &work{}}
	row := *d.s.data.Denials.Newest(0)
	line := demoLog(0, "INFO", "gateway", "request", "agent=coder")
	for range view.MaxLogs { // the ring is full, and grows no more
		d.s.data.Logs.Push(line)
	}
	for _, key := range []string{"1", "2", "3", "5"} {
		d.press(key)
		per := func(events int) float64 {
			return testing.AllocsPerRun(20, func() {
				for i := range events {
					e := event.Event{Kind: event.KindLog, Log: &line}
					if i%10 == 0 {
						e = event.Event{Kind: event.KindDenial, Denial: &row}
					}
					d.s.feed.push(e)
				}
				m.Update(frameMsg{})
				d.s.pending = d.s.pending[:0]
			})
		}
		per(600)
		if few, many := per(10), per(600); many > few+10 || few > 20 {
			t.Errorf("view %s: Update allocates %v times for 10 events, %v for 600", key, few, many)
		}
	}
}
