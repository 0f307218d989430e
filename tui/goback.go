package tui

import (
	"context"
	"strconv"

	"openclaw/tui/view"
)

// goBack asks what a version of the config would change, or brings it back.
func (s *screen) goBack(name string, dry bool) {
	version, err := strconv.Atoi(name)
	if err != nil {
		return
	}
	if !dry {
		s.say(view.Plain, s.data.T("working"))
	}
	s.add(func(ctx context.Context) func() {
		back, err := s.backend.RollbackConfig(ctx, version, dry)
		back = view.Clean(back)
		return func() {
			s.dirty = true
			switch {
			case dry && err != nil:
				s.data.Backs[version] = view.Back{Problem: problemText(err)}
			case dry:
				s.data.Backs[version] = view.Back{Diff: back.Diff}
			case err != nil:
				s.say(view.Bad, s.data.T("not rolled back: %s", problemText(err)))
			default:
				s.data.Config = back.Config
				text := s.data.T("#%s is back, as #%s", name, strconv.Itoa(back.Config.Version))
				if back.Saved != "" {
					text += s.data.T("; the file that was on disk is now %s", s.data.Short(back.Saved))
				}
				s.say(view.Good, text)
			}
		}
	})
}
