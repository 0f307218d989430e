//go:build linux

package seccomp

import (
	"golang.org/x/sys/unix"

	"openclaw/sandbox/policy"
)

// Calls that the filter hands over, with SizeLimit, since they say themselves how
// large a file is to be. The kernel would refuse them by RLIMIT_FSIZE and tell nobody;
// of some ranges it does not look at that: one that is put into the middle of a file
// (ext4), and space behind its end that its size says nothing of. The handler judges by
// the call's own arguments, which nobody can change (LeaveToHandler). A write is never
// handed over: it does not say where in the file it is, and there are too many.
const (
	AllocateCall = "fallocate"
	TruncateCall = "ftruncate"
)

func allocateShape() shape {
	return shape{"allocate", policy.ClassPathWrite, -1, -1, -1, -1, -1, -1}
}

func truncateShape() shape {
	return shape{"truncate", policy.ClassPathWrite, -1, -1, -1, -1, -1, -1}
}

// onAllocate lets a hole be made, which only gives space back.
func onAllocate(o Options) []unix.SockFilter {
	if o.SizeLimit <= 0 {
		return allow()
	}
	if !o.Notify { // nobody looks at it
		return sequence(
			ifBits(1, unix.FALLOC_FL_INSERT_RANGE, errno(unix.EOPNOTSUPP)),
			ifBits(1, unix.FALLOC_FL_PUNCH_HOLE, allow()),
			ifBits(1, unix.FALLOC_FL_KEEP_SIZE, errno(unix.EOPNOTSUPP)),
			allow(),
		)
	}
	return sequence(
		ifBits(1, unix.FALLOC_FL_INSERT_RANGE, notify(o)),
		ifBits(1, unix.FALLOC_FL_PUNCH_HOLE, allow()),
		notify(o),
	)
}

// onTruncate hands over what is longer than the limit; a shorter length costs nothing.
func onTruncate(o Options) []unix.SockFilter {
	if o.SizeLimit <= 0 {
		return allow()
	}
	return sequence(ifMore(1, uint64(o.SizeLimit), notify(o)), allow())
}

// ifMore runs then when the whole argument is larger than a number, both without a sign.
func ifMore(argument int, than uint64, then []unix.SockFilter) []unix.SockFilter {
	high, low := uint32(than>>32), uint32(than)
	return sequence([]unix.SockFilter{
		load(offsetArgument(argument) + 4),
		jump(unix.BPF_JGT, high, 3, 0),
		jump(unix.BPF_JEQ, high, 0, 2+len(then)),
		load(offsetArgument(argument)),
		jump(unix.BPF_JGT, low, 0, len(then)),
	}, then)
}
