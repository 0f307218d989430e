package tui

import (
	"context"
	"errors"
	"time"

	"openclaw/tui/view"
)

// startTimeout bounds the start of a run: a gateway may have to be started first.
const startTimeout = 30 * time.Second

// startRun starts an agent's command without a terminal, and shows what it says.
func (s *screen) startRun(agent string, command []string) {
	if s.start == nil {
		s.say(view.Bad, s.data.T("agents run on the gateway's machine: openclaw agent run --detach %s, there", agent))
		return
	}
	s.say(view.Plain, s.data.T("starting a run of %s", agent))
	s.pending = append(s.pending, func(ctx context.Context) func() {
		ctx, cancel := context.WithTimeout(ctx, startTimeout)
		defer cancel()
		run, err := s.start(ctx, agent, command)
		return func() {
			switch {
			case errors.Is(err, context.Canceled):
			case err != nil:
				s.say(view.Bad, s.data.T("not started: %s", problemText(err)))
			default:
				s.say(view.Good, s.data.T("run %s of %s goes on without a terminal", view.Printable(run, 100), agent))
				s.agents.Show(run)
				s.readOutput(run)
			}
		}
	})
}

// readOutput fetches what a run said since the last look.
func (s *screen) readOutput(run string) {
	if s.reading {
		return
	}
	s.reading = true
	cursor := s.data.OutputCursor(run)
	s.add(func(ctx context.Context) func() {
		out, err := s.backend.RunOutput(ctx, run, cursor, view.MaxOutput)
		for i := range out.Lines {
			out.Lines[i] = view.OutputLine(out.Lines[i])
		}
		out.Open = view.OutputLine(out.Open)
		out = view.Clean(out)
		return func() {
			s.reading, s.dirty = false, true
			if err != nil {
				s.data.NoOutput(run, problemText(err))
				return
			}
			s.data.TakeOutput(run, &out)
		}
	})
}
