//go:build linux

package stage

import (
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
	var err error
	if message.Kind == KindUnbind {
		err = s.levels.Unbind(wanted.Path)
	} else {
		err = s.levels.Bind(mounts.Step{Do: mounts.Bind, Path: wanted.Path, Write: wanted.Write, NoExec: wanted.NoExec})
	}
	answer := Bound{Number: wanted.Number}
	if err != nil {
		answer.Error = err.Error()
	}
	return s.conn.Send(KindBound, answer)
}
