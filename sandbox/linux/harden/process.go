//go:build linux

package harden

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// CloseDescriptors marks every descriptor of the process from the given number
// on to be closed by the next execve. It does not close them at once, because
// the Go runtime uses some of its own until then.
func CloseDescriptors(from uint) error {
	const op = "close descriptors"
	err := unix.CloseRange(from, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	if err == nil {
		return nil
	}
	if !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EINVAL) {
		return &Error{Op: op, Err: fmt.Errorf("close_range: %w", err)}
	}
	// Kernels before 5.11.
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return &Error{Op: op, Err: err, Hint: "mount /proc, or use a Linux of 5.11 or newer"}
	}
	for _, entry := range entries {
		fd, err := strconv.Atoi(entry.Name())
		if err != nil || fd < 0 || uint(fd) < from {
			continue
		}
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, unix.FD_CLOEXEC); err != nil && !errors.Is(err, unix.EBADF) {
			return &Error{Op: op, Err: fmt.Errorf("descriptor %d: %w", fd, err)}
		}
	}
	return nil
}

// LimitFileSize makes every write, truncate and allocate past size bytes fail
// with EFBIG and SIGXFSZ, in this process and all that it starts. The limit
// cannot be raised again without a privilege.
func LimitFileSize(size int64) error {
	const op = "limit file size"
	if size < 1 {
		return &Error{Op: op, Err: fmt.Errorf("%d is not a size", size), Hint: "write max_file_size in bytes, at least 1"}
	}
	limit := unix.Rlimit{Cur: uint64(size), Max: uint64(size)}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		return &Error{Op: op, Err: err, Hint: "a lower limit is already in force (ulimit -f); raise it or lower max_file_size"}
	}
	return nil
}

// Limit sets the limits of a run in this process and all that it starts: no core
// dump, and of a file as LimitFileSize; 0 is no limit of size.
//
// A core dump's limit is 1 rather than 0: a limit of 0 does not stop a dump into a
// pipe, where a program of the host would read what the cage wrote; 1 stops both
// (core(5)). Where the person's own limit is 0 already, it cannot be raised and
// stays.
func Limit(maxFileSize int64) error {
	const op = "switch core dumps off"
	var core unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &core); err != nil {
		return &Error{Op: op, Err: err}
	}
	most := min(core.Max, 1)
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: most, Max: most}); err != nil {
		return &Error{Op: op, Err: err}
	}
	if maxFileSize == 0 {
		return nil
	}
	return LimitFileSize(maxFileSize)
}

// LetGoOfTerminal puts /dev/null in the place of the standard descriptors, so that
// a process that stays keeps nothing of the person's open.
func LetGoOfTerminal() error {
	const op = "let go of terminal"
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return &Error{Op: op, Err: err}
	}
	for fd := range 3 {
		if err := unix.Dup3(null, fd, 0); err != nil {
			return &Error{Op: op, Err: err}
		}
	}
	return unix.Close(null)
}

// NotDumpable keeps this process's memory from being dumped, traced or read by
// others of the same user, until the next execve; and forbids core dumps in
// this process and all that it starts.
func NotDumpable() error {
	const op = "forbid core dumps"
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return &Error{Op: op, Err: err}
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return &Error{Op: op, Err: err}
	}
	return nil
}
