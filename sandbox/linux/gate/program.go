//go:build linux

package gate

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// settleTime is how old the last change of a file has to be for every later one to
// show in its times: more than the coarsest that a file system keeps, FAT's two seconds.
const settleTime = 3 * time.Second

// stamp is what is different of a file after every change of it.
type stamp struct {
	size             int64
	written, changed syscall.Timespec
}

func stampOf(stat *syscall.Stat_t) stamp { return stamp{stat.Size, stat.Mtim, stat.Ctim} }

// settled reports whether the last change was long enough ago.
func (s stamp) settled(now time.Time) bool {
	limit := now.Add(-settleTime)
	return time.Unix(s.written.Sec, s.written.Nsec).Before(limit) && time.Unix(s.changed.Sec, s.changed.Nsec).Before(limit)
}

// program is a file as it was when it was last run.
type program struct {
	stamp   stamp
	settled bool
}

// unchanged reports whether a file that is about to be run is what it was when it last
// was, so that what the kernel has read of it since is still true. It keeps what the
// file is now.
func (n *nodes) unchanged(id uint64, is stamp, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	known := n.byID[id]
	if known == nil {
		return false
	}
	before := known.program
	known.program = program{is, is.settled(now)}
	return before.settled && before.stamp == is
}

// tellsChanges reports whether every change of a file shows in its times. In memory
// alone, a program that has the file mapped changes it without.
func tellsChanges(fd int) bool {
	var of unix.Statfs_t
	if err := unix.Fstatfs(fd, &of); err != nil {
		return false
	}
	switch int64(of.Type) { //nolint:unconvert // not the same on every architecture
	case unix.TMPFS_MAGIC, unix.RAMFS_MAGIC, unix.HUGETLBFS_MAGIC:
		return false
	}
	return true
}
