package tui

import (
	"context"
	"strconv"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

// answer gives answers, one after the other, and says how that ended. A row that
// somebody else answered first stays theirs.
func (s *screen) answer(answers []view.Answer) {
	if len(answers) == 0 {
		return
	}
	s.say(view.Plain, "answering")
	s.add(func(ctx context.Context) func() {
		rows := make([]event.Ask, 0, len(answers))
		failed, late := "", ""
		for _, a := range answers {
			row, counts, err := s.backend.AnswerAsk(ctx, a.ID, a.Allow, a.Scope, a.Match, a.Note)
			row = view.Clean(row)
			switch {
			case err != nil:
				failed = problemText(err)
			case !counts:
				late = "answered already: " + row.State + " by " + row.By
				fallthrough
			default:
				rows = append(rows, row)
			}
		}
		return func() {
			for i := range rows {
				s.data.TakeAnswer(&rows[i])
			}
			switch {
			case failed != "" && len(answers) > 1:
				s.say(view.Bad, "not all are answered: "+failed)
			case failed != "":
				s.say(view.Bad, "not answered: "+failed)
			case late != "":
				s.say(view.Bad, late)
			case len(rows) > 1:
				s.say(view.Good, strconv.Itoa(len(rows))+" requests answered")
			default:
				s.sayAnswered(&rows[0])
			}
			s.stale = true
		}
	})
}

func (s *screen) sayAnswered(a *event.Ask) {
	what := a.Agent + " " + s.root.Theme.Glyphs.Arrow + " " + a.Operation + " " + s.data.Short(a.Target)
	switch {
	case a.Problem != "":
		s.say(view.Bad, "allowed once only, no rule was written: "+a.Problem)
	case a.State != event.AskAllowed:
		s.say(view.Good, "denied "+what)
	case a.Wrote != "":
		s.say(view.Good, "allowed always "+what+"; wrote "+a.Where)
	case a.Scope == "run":
		s.say(view.Good, "allowed for this run "+what)
	default:
		s.say(view.Good, "allowed once "+what)
	}
}

// preview asks once what "always" would write.
func (s *screen) preview(key view.PreviewKey) {
	if s.previewing == key {
		return
	}
	s.previewing = key
	s.add(func(ctx context.Context) func() {
		row, err := s.backend.PreviewAsk(ctx, key.ID, key.Match)
		row = view.Clean(row)
		return func() {
			s.previewing = view.PreviewKey{}
			p := view.Preview{Where: row.Where, Line: row.Wrote}
			if err != nil {
				p = view.Preview{Problem: problemText(err)}
			}
			s.data.Previews[key] = p
			s.dirty = true
		}
	})
}

func (s *screen) undo(id string) {
	s.say(view.Plain, "taking it back")
	s.add(func(ctx context.Context) func() {
		row, err := s.backend.Undo(ctx, id)
		row = view.Clean(row)
		return func() {
			if err != nil {
				s.say(view.Bad, "not taken back: "+problemText(err))
				return
			}
			s.data.TakeAnswer(&row)
			text := "taken back: " + row.Agent + " " + row.Operation + " " + s.data.Short(row.Target)
			if row.Wrote != "" {
				text += "; the rule is out of " + row.Where
			}
			s.say(view.Good, text)
			s.stale = true
		}
	})
}
