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
	s.say(view.Plain, s.data.T("answering"))
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
				late = s.data.T("answered already: %s by %s", row.State, row.By)
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
				s.say(view.Bad, s.data.T("not all are answered: %s", failed))
			case failed != "":
				s.say(view.Bad, s.data.T("not answered: %s", failed))
			case late != "":
				s.say(view.Bad, late)
			case len(rows) > 1:
				s.say(view.Good, s.data.T("%s requests answered", strconv.Itoa(len(rows))))
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
		s.say(view.Bad, s.data.T("allowed once only, no rule was written: %s", a.Problem))
	case a.State != event.AskAllowed:
		s.say(view.Good, s.data.T("denied %s", what))
	case a.Wrote != "":
		s.say(view.Good, s.data.T("allowed always %s; wrote %s", what, a.Where))
	case a.Scope == "run":
		s.say(view.Good, s.data.T("allowed for this run %s", what))
	default:
		s.say(view.Good, s.data.T("allowed once %s", what))
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
			p := view.Preview{Where: row.Where, List: row.List, Lines: row.Lines, Matches: row.Matches}
			switch {
			case err != nil:
				p = view.Preview{Problem: problemText(err)}
			case len(p.Lines) == 0: // an older gateway says only this
				p.Lines = []string{"+" + row.Wrote}
			}
			s.data.Previews[key] = p
			s.dirty = true
		}
	})
}

func (s *screen) undo(id string) {
	s.say(view.Plain, s.data.T("taking it back"))
	s.add(func(ctx context.Context) func() {
		row, err := s.backend.Undo(ctx, id)
		row = view.Clean(row)
		return func() {
			if err != nil {
				s.say(view.Bad, s.data.T("not taken back: %s", problemText(err)))
				return
			}
			s.data.TakeAnswer(&row)
			text := s.data.T("taken back: %s %s %s", row.Agent, row.Operation, s.data.Short(row.Target))
			if row.Wrote != "" {
				text += s.data.T("; the rule is out of %s", row.Where)
			}
			s.say(view.Good, text)
			s.stale = true
		}
	})
}
