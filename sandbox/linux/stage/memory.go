//go:build linux

package stage

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/control"
)

// fill writes two numbers into the memory of a thread of the cage, and answers.
// Init does it and not the supervisor: should the thread have ended, its number
// can only be another's of the cage, never one of the host's. The kernel writes
// where the thread itself may write, nowhere else (process_vm_writev(2)).
func (s *stage) fill(message control.Message) error {
	var wanted Fill
	if err := message.Decode(&wanted); err != nil {
		return err
	}
	var pair [8]byte
	binary.NativeEndian.PutUint32(pair[:4], uint32(wanted.First))
	binary.NativeEndian.PutUint32(pair[4:], uint32(wanted.Second))
	local := []unix.Iovec{{Base: &pair[0]}}
	local[0].SetLen(len(pair))
	answer := Bound{Number: wanted.Number}
	n, err := unix.ProcessVMWritev(wanted.Thread, local, []unix.RemoteIovec{{Base: uintptr(wanted.Address), Len: len(pair)}}, 0)
	if err != nil || n != len(pair) {
		answer.Error = "no such memory"
	}
	return s.conn.Send(KindBound, answer)
}
