//go:build linux

package mounts

import (
	"errors"
	"fmt"
	"path"
	"strconv"

	"golang.org/x/sys/unix"
)

// ErrInput refuses standard input or output that the command could change though
// it was given for reading only.
var ErrInput = errors.New("it cannot be opened again for reading only; give it through a pipe")

// readOnly opens a file among the standard descriptors anew, by a read-only mount
// that is attached nowhere, if it was given for reading only: whoever holds a
// descriptor of a file may otherwise change its length, mode, times, flags and
// attributes by it, which is the person's file still. It begins where the person's
// own descriptor stands, and has a position of its own from there.
//
// A file without a name is nobody's but the command's, and one that this user
// neither owns nor may write stays what it is.
func (b *Builder) readOnly(fd int, was *unix.Stat_t) error {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return err
	}
	if flags&unix.O_ACCMODE != unix.O_RDONLY || flags&unix.O_PATH != 0 || was.Nlink == 0 {
		return nil
	}
	name, err := b.pathOf(fd)
	if err != nil {
		return err
	}
	if int(was.Uid) != unix.Getuid() && unix.Faccessat(b.host, descriptorName(fd), unix.W_OK, 0) != nil {
		return nil
	}
	opened, err := b.openReadOnly(path.Clean(name), flags, was)
	if err != nil {
		return fmt.Errorf("%s: %w (%w)", name, ErrInput, err)
	}
	defer func() { _ = unix.Close(opened) }()
	at, err := unix.Seek(fd, 0, unix.SEEK_CUR)
	if err == nil {
		_, err = unix.Seek(opened, at, unix.SEEK_SET)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return unix.Dup3(opened, fd, 0)
}

// openReadOnly is a descriptor of the same file on a read-only mount.
func (b *Builder) openReadOnly(name string, flags int, was *unix.Stat_t) (int, error) {
	at, err := beneath(b.host, name)
	if err != nil {
		return -1, err
	}
	defer func() { _ = unix.Close(at) }()
	tree, err := unix.OpenTree(at, "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH)
	if err != nil {
		return -1, fmt.Errorf("clone mount: %w", err)
	}
	defer func() { _ = unix.Close(tree) }()
	set := uint64(unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NOEXEC)
	if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH, &unix.MountAttr{Attr_set: set}); err != nil {
		return -1, fmt.Errorf("set mount flags: %w", err)
	}
	opened, err := unix.Openat(b.host, descriptorName(tree), flags&unix.O_NONBLOCK|unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	var is unix.Stat_t
	if err := unix.Fstat(opened, &is); err != nil || is.Dev != was.Dev || is.Ino != was.Ino {
		_ = unix.Close(opened)
		return -1, errors.Join(errors.New("another file has its name"), err)
	}
	return opened, nil
}

// descriptorName is a descriptor of this process, by the host's /proc.
func descriptorName(fd int) string { return "proc/self/fd/" + strconv.Itoa(fd) }
