//go:build linux

package mounts

import (
	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/control"
)

// Release lets go of the gate and of the spares at the end of a cage, when no
// process is left in it but the caller. What the kernel has to take apart then
// delays nobody: each spare alone costs a grace period. The masks stay where
// they are; nothing can be renewed any more.
func (m *Masks) Release() {
	var left []int
	for _, one := range m.list {
		left = append(left, one.spares...)
		one.spares = nil
	}
	control.Collect(left...)
	if m.outer == "" {
		return
	}
	// A forced unmount ends the file system's connection to the supervisor first
	// of all (fuse_umount_begin); then it finds the mount in use, which is meant.
	held, err := unix.Open(m.outer, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	_ = unix.Unmount(m.outer, unix.MNT_FORCE|unix.UMOUNT_NOFOLLOW)
	_ = unix.Close(held)
}
