//go:build linux

package gate

import (
	"syscall"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/policy"
)

// room says how much of a write at an offset max_file_size leaves. The kernel
// stops the cage's own processes at their limit; this is for what it cannot know,
// that the file has grown on the host and is appended to. It is one comparison:
// the size is only looked at when a limit is set.
func (g *Gate) room(file *handle, offset, length int64) (int64, syscall.Errno) {
	limit := g.rules.Load().policy.MaxFileSize
	if limit <= 0 {
		return length, 0
	}
	if file.appends {
		var stat unix.Stat_t
		if err := unix.Fstat(file.fd, &stat); err != nil {
			return 0, errno(err)
		}
		offset = stat.Size
	}
	switch {
	case offset >= limit && length > 0:
		return 0, syscall.EFBIG
	case length > limit-offset:
		return limit - offset, 0
	}
	return length, 0
}

// tooLarge reports a file that would pass max_file_size.
func (g *Gate) tooLarge(thread uint32, operation, name string) syscall.Errno {
	p := g.rules.Load().policy
	if g.options.Refused != nil {
		g.options.Refused(Refusal{
			Thread: int(thread), Class: policy.ClassPathWrite, Operation: operation, Path: name,
			Decision: policy.Decision{Effect: policy.Deny, Rule: "max_file_size", Origin: p.MaxOrigin},
		})
	}
	return syscall.EFBIG
}

// passes reports whether a size is past max_file_size.
func (g *Gate) passes(size uint64) bool {
	limit := g.rules.Load().policy.MaxFileSize
	return limit > 0 && size > uint64(limit)
}
