//go:build linux

package mounts

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Leave makes the new root the only one. Nothing of the host is reachable but
// what the plan bound once Left has returned, which makes sure of it.
func (b *Builder) Leave() error {
	for _, fd := range []int{b.host, b.gate, b.root} {
		_ = unix.Close(fd)
	}
	if err := unix.Chdir(newRoot); err != nil {
		return fmt.Errorf("enter new root: %w", err)
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("enter new root: %w", err)
	}
	if err := unix.Chdir("/"); err != nil {
		return fmt.Errorf("enter new root: %w", err)
	}
	// The old root stands upon the new one: it is what "." leads to for umount(2).
	// The kernel takes it away at once and then waits for a grace period, which
	// this thread need not.
	left := make(chan error, 1)
	go func() { left <- unix.Unmount(".", unix.MNT_DETACH) }()
	b.left = left
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	for _, name := range []string{"/", "/run", "/dev"} {
		if err := unix.MountSetattr(unix.AT_FDCWD, name, 0, &attr); err != nil {
			return fmt.Errorf("make %s read-only: %w", name, err)
		}
	}
	return nil
}

// Left waits until the old root is gone, which is so before its umount returns: see
// onTop.
func (b *Builder) Left() error {
	for {
		gone, err := onTop()
		if err == nil && !gone {
			select {
			case err = <-b.left:
				if err != nil {
					return fmt.Errorf("let go of the old root: %w", err)
				}
				if gone, err = onTop(); err == nil && !gone {
					return errors.New("let go of the old root: it is still there")
				}
			case <-time.After(100 * time.Microsecond):
			}
		}
		if err != nil {
			return fmt.Errorf("look for the old root: %w", err)
		}
		if gone {
			return nil
		}
	}
}

// onTop reports whether nothing is mounted upon this process's root. The old root
// is, until it is gone: a path that goes up from the root comes to what was mounted
// there last. The kernel takes a mount out of the namespace, where no path leads to
// it any more, and waits for a grace period only then: 0.2 ms, and 20 ms on a busy
// machine.
func onTop() (bool, error) {
	var root, up unix.Stat_t
	if err := unix.Stat("/", &root); err != nil {
		return false, err
	}
	if err := unix.Stat("/..", &up); err != nil {
		return false, err
	}
	return root.Dev == up.Dev && root.Ino == up.Ino, nil
}
