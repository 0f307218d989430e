package tui

import (
	"context"

	"openclaw/tui/view"
)

// validate says what reading the config file again would come to.
func (s *screen) validate() {
	s.say(view.Plain, s.data.T("reading the config file"))
	s.add(func(ctx context.Context) func() {
		trial, err := s.backend.ValidateConfig(ctx)
		trial = view.Clean(trial)
		return func() {
			switch {
			case err != nil:
				s.say(view.Bad, s.data.T("not validated: %s", problemText(err)))
			case trial.Refused:
				s.say(view.Bad, view.TrialText(s.data.Words, &trial))
			default:
				s.say(view.Good, view.TrialText(s.data.Words, &trial))
			}
		}
	})
}

func (p *plain) validate(ctx context.Context, _ string) error {
	trial, err := p.backend.ValidateConfig(ctx)
	if err != nil {
		return err
	}
	trial = view.Clean(trial)
	p.say(p.T("config"), view.TrialText(p.words, &trial))
	return nil
}
