//go:build linux

package seccomp

import (
	"golang.org/x/sys/unix"

	"openclaw/sandbox/policy"
)

// AllocateCall is the call that the filter hands over, with SizeLimit, where the
// kernel does not look at RLIMIT_FSIZE: a range that is put into the middle of a
// file (ext4), and space behind its end that its size says nothing of. The handler
// judges by the call's own arguments, which nobody can change (LeaveToHandler).
const AllocateCall = "fallocate"

func allocateShape() shape {
	return shape{AllocateCall, policy.ClassPathWrite, -1, -1, -1, -1, -1, -1}
}

// onAllocate lets a hole be made, which only gives space back.
func onAllocate(o Options) []unix.SockFilter {
	if !o.SizeLimit {
		return allow()
	}
	unlimited := errno(unix.EOPNOTSUPP)
	if o.Notify {
		unlimited = notify(o)
	}
	return sequence(
		ifBits(1, unix.FALLOC_FL_INSERT_RANGE, unlimited),
		ifBits(1, unix.FALLOC_FL_PUNCH_HOLE, allow()),
		ifBits(1, unix.FALLOC_FL_KEEP_SIZE, unlimited),
		allow(),
	)
}
