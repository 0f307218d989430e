//go:build linux

package stage

import (
	"path"
	"strconv"

	"openclaw/sandbox/linux/control"
	"openclaw/sandbox/linux/mounts"
)

// bind changes what lies natively in a folder that the gate serves, and answers.
// A refusal leaves the folder as it was, which is for the supervisor to judge.
func (s *stage) bind(message control.Message) error {
	var wanted Bind
	if err := message.Decode(&wanted); err != nil {
		return err
	}
	answer := Bound{Number: wanted.Number}
	var err error
	if message.Kind == KindUnbind {
		answer.Kept, err = s.levels.Unbind(wanted.Path, wanted.Slot)
	} else {
		err = s.levels.Bind(mounts.Step{Do: mounts.Bind, Path: wanted.Path, Write: wanted.Write, NoExec: wanted.NoExec})
	}
	if err != nil {
		answer.Error = err.Error()
	}
	return s.conn.Send(KindBound, answer)
}

// cover covers a path in kept folders, or lets go of those that nobody needs, and
// answers. That a path could not be covered is for the supervisor to judge.
func (s *stage) cover(message control.Message) error {
	var wanted Cover
	if err := message.Decode(&wanted); err != nil {
		return err
	}
	answer := Bound{Number: wanted.Number}
	if message.Kind == KindForget {
		for _, slot := range wanted.Slots {
			if s.levels.Forget(slot) == nil {
				answer.Free = append(answer.Free, slot)
			}
		}
		return s.conn.Send(KindBound, answer)
	}
	var err error
	if answer.Covered, err = s.levels.Cover(wanted.Path, wanted.Slots); err != nil {
		answer.Error = err.Error()
	}
	return s.conn.Send(KindBound, answer)
}

// look has the kernel look at names again, and answers. It waits for what programs do in
// the same folders, and nobody else may wait for that.
func (s *stage) look(message control.Message) error {
	var wanted Look
	if err := message.Decode(&wanted); err != nil {
		return err
	}
	go func() {
		for _, name := range wanted.Paths {
			s.levels.LookAgain(name)
		}
		_ = s.conn.Send(KindBound, Bound{Number: wanted.Number}) // or the supervisor has gone
	}()
	return nil
}

// openAgain has the kernel forget what it has of files, and answers. It waits for what is
// under way of them, and nobody else may wait for that.
func (s *stage) openAgain(message control.Message) error {
	var wanted OpenAgain
	if err := message.Decode(&wanted); err != nil {
		return err
	}
	go func() {
		answer := Bound{Number: wanted.Number}
		for i := range wanted.Count {
			if err := s.levels.OpenAgain(wanted.Prefix + strconv.Itoa(i)); err != nil {
				answer.Error = err.Error()
				break
			}
		}
		_ = s.conn.Send(KindBound, answer) // or the supervisor has gone
	}()
	return nil
}

// lookAtMissing has the kernel look again at the places of the folders that were to be
// bound and are gone, and at those above them: it was told that something is mounted there.
func (s *stage) lookAtMissing(names []string) {
	for _, name := range names {
		for ; name != "/"; name = path.Dir(name) {
			s.levels.LookAgain(name)
		}
	}
}
