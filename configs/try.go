package configs

import (
	"errors"
	"path/filepath"
)

// Trial is what reading the file now would come to.
type Trial struct {
	Refused  bool
	Problems []Problem // why, or the warnings of a file that may come into force
	Changes  []string  // that would come into force; none: the file says what is active
}

// Try reads the file as Reload does and puts nothing into force.
func (s *Store) Try() Trial {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	before := s.Current()
	after, err := s.candidate(before, s.subscribed())
	if refused, is := errors.AsType[*Error](err); is && len(refused.Problems) > 0 {
		return Trial{Refused: true, Problems: refused.Problems}
	}
	if err != nil {
		return Trial{Refused: true, Problems: []Problem{{File: filepath.Base(s.path), Message: err.Error()}}}
	}
	trial := Trial{Problems: after.Warnings}
	if !unchanged(before, after) {
		trial.Changes, _ = Diff(before, after)
		if len(trial.Changes) == 0 {
			trial.Changes = []string{"nothing but comments, layout or encryption"}
		}
	}
	return trial
}
