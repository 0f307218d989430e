package tui

import (
	"context"
	"strconv"

	"openclaw/tui/view"
)

// nameFilter asks under which name the filter of the current view is saved.
func (s *screen) nameFilter() {
	v, can := s.views[s.current].(interface{ FilterLine() (string, error) })
	if !can || s.over != overlayNone {
		return
	}
	if s.saveFilter == nil {
		s.say(view.Bad, s.data.T("no config is at hand here: nothing can be saved"))
		return
	}
	line, err := v.FilterLine()
	if err != nil {
		s.say(view.Bad, s.data.T("this filter cannot be read, so it is not saved: {filter.edit} changes it"))
		return
	}
	s.saving.Open(view.Printable(line, view.MaxText))
	s.over = overlaySave
}

// planFilter asks what saving a filter would write.
func (s *screen) planFilter(name, line string) {
	s.add(func(context.Context) func() {
		draft, err := s.saveFilter(name, line, false)
		draft = view.Clean(draft)
		return func() {
			s.dirty = true
			problem := ""
			if err != nil {
				problem = problemText(err)
			}
			s.saving.Planned(name, draft, problem)
		}
	})
}

// keepFilter saves a filter, or takes it out. It can be used at once; the config comes
// round with it in a moment.
func (s *screen) keepFilter(name, line string) {
	s.over = overlayNone
	s.say(view.Plain, s.data.T("working"))
	s.add(func(context.Context) func() {
		draft, err := s.saveFilter(name, line, true)
		draft = view.Clean(draft)
		return func() {
			if err != nil {
				s.say(view.Bad, s.data.T("not saved: %s", problemText(err)))
				return
			}
			s.data.Filters = s.data.Filters.With(name, line)
			if line == "" {
				s.say(view.Good, s.data.T("@%s is taken out of %s", name, s.data.Short(draft.File)))
				return
			}
			s.say(view.Good, s.data.T("saved in %s, line %s; @%s in a filter stands for it", s.data.Short(draft.File), strconv.Itoa(draft.Line), name))
		}
	})
}

// rescan has the lines of the log looked at anew, beside the screen, where a filter
// changed or time went by under one.
func (s *screen) rescan() {
	if s.current != view.Logs {
		return
	}
	if look := s.logs.Rescan(); look != nil {
		s.pending = append(s.pending, func(context.Context) func() {
			take := look()
			return func() { s.dirty = take() || s.dirty }
		})
	}
}
