package tui

import (
	"context"
	"errors"
	"time"

	"openclaw/tui/view"
)

// check looks anew at what the Audit view stands on, and says so once all is there. What
// the chain is like its own row says.
func (s *screen) check() {
	if s.checking {
		return
	}
	s.checking = true // beside a look at the chain alone, such as that of a view just opened
	s.say(view.Plain, s.data.T("looking at it all anew"))
	s.add(func(ctx context.Context) func() {
		const since, limit = time.Hour, 1000
		overview, failed := s.backend.Overview(ctx)
		chain, broken := s.backend.VerifyAudit(ctx)
		lines, unread := s.backend.Audit(ctx, since, limit)
		overview, chain = view.Clean(overview), view.Clean(chain)
		return func() {
			s.checking, s.dirty = false, true
			if broken != nil {
				s.data.ChainProblem = problemText(broken)
			}
			if err := errors.Join(failed, broken, unread); err != nil {
				s.say(view.Bad, s.data.T("not looked at: %s", problemText(err)))
				return
			}
			s.data.Overview, s.data.Store = overview, overview.Store
			s.data.Chain, s.data.ChainProblem = chain, ""
			s.data.LoadAudit(lines)
			s.say(view.Good, s.data.T("looked at anew: the chain, %s of the last hour, what this gateway found of %s", s.data.N(len(lines), "record"), s.data.N(len(overview.Machine), "mechanism")))
		}
	})
}
