//go:build linux

package mounts

import (
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
