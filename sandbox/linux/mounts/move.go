//go:build linux

package mounts

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// move clones what stands at source below from and puts it at name in the new
// root. Neither path may go through a symbolic link, so what was resolved when
// the plan was made is what is bound, or the cage is refused.
func (b *Builder) move(from int, source, name string, set uint64) error {
	var at int
	var err error
	if from == b.gate {
		at, err = b.fetched(source)
	} else {
		at, err = beneath(from, source)
	}
	if err != nil {
		return fmt.Errorf("open source: %w", err)
	}
	defer func() { _ = unix.Close(at) }()
	return b.attach(from, at, name, set)
}

// moveFolder is move for a folder of the host: the error of one that is not there, or
// is none, says that it is gone.
func (b *Builder) moveFolder(name string, set uint64) error {
	at, err := within(b.host, strings.TrimPrefix(name, "/"), unix.O_DIRECTORY)
	if err != nil {
		return fmt.Errorf("open source: %w", err)
	}
	defer func() { _ = unix.Close(at) }()
	return b.attach(b.host, at, name, set)
}

// attach clones what was opened below from, and puts the clone at name.
func (b *Builder) attach(from, at int, name string, set uint64) error {
	flags := uint(unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC | unix.AT_EMPTY_PATH)
	if from == b.host {
		flags |= unix.AT_RECURSIVE
	}
	// First the place: to throw a clone away takes the kernel a grace period.
	to, err := beneath(b.root, name)
	if err != nil {
		return fmt.Errorf("open place: %w", err)
	}
	defer func() { _ = unix.Close(to) }()
	tree, err := unix.OpenTree(at, "", flags)
	if err != nil {
		return fmt.Errorf("clone mount: %w", err)
	}
	defer func() { _ = unix.Close(tree) }()
	if set != 0 {
		attr := unix.MountAttr{Attr_set: set}
		if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &attr); err != nil {
			return fmt.Errorf("set mount flags: %w", err)
		}
	}
	if err := unix.MoveMount(tree, "", to, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH); err != nil {
		return fmt.Errorf("attach mount: %w", err)
	}
	return nil
}

// beneath opens a clean absolute path below a root without following links.
// The last name may itself be a link: the descriptor is then of the link.
func beneath(root int, name string) (int, error) {
	how := unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_CLOEXEC | unix.O_NOFOLLOW,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_SYMLINKS,
	}
	for {
		fd, err := unix.Openat2(root, strings.TrimPrefix(path.Clean(name), "/")+dotIfRoot(name), &how)
		if !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EAGAIN) {
			return fd, err
		}
	}
}

func dotIfRoot(name string) string {
	if path.Clean(name) == "/" {
		return "."
	}
	return ""
}
