//go:build linux

package mounts

import (
	"errors"
	"fmt"
	"path"

	"golang.org/x/sys/unix"
)

// LookAgain has the kernel ask the gate anew for a name, however long it was told to
// believe what it knows of it. It is safe beside all else, and waits for what programs do
// in the same folder.
//
// The kernel asks anew for each name that a call is about to make (LOOKUP_EXCL, in
// fuse_dentry_revalidate). To link what lies in another mount makes none: once it has
// looked at the name the kernel sees that, or that the name is there already.
func (l *Levels) LookAgain(name string) {
	dir, err := l.inside(path.Dir(name))
	if err != nil {
		return // no way leads to the name
	}
	defer func() { _ = unix.Close(dir) }()
	if stat, err := look(dir); err == nil && l.gates(stat) {
		_ = unix.Linkat(unix.AT_FDCWD, "/", dir, path.Base(name), 0)
	}
}

// OpenAgain has the kernel forget what it has of a file of the gate, which answers under a
// name that it knows from the supervisor. It is safe beside all else, and waits for the pages
// of the file that are under way.
func (l *Levels) OpenAgain(name string) error {
	fd, err := unix.Openat(l.gate, name, unix.O_RDONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil // nobody has it open any more
	}
	if err != nil {
		return fmt.Errorf("open a file of the gate again: %w", err)
	}
	_ = unix.Close(fd)
	var stat unix.Stat_t
	_ = unix.Fstatat(l.gate, name, &stat, unix.AT_SYMLINK_NOFOLLOW) // the kernel finds that the name is gone
	return nil
}
