//go:build linux

package mounts

import (
	"bytes"
	"fmt"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ownDevices are the nodes that every cage has.
func ownDevices() []string { return []string{"null", "zero", "full", "random", "urandom", "tty"} }

// Standard opens the devices among the standard descriptors anew, by read-only
// binds of the cage. A descriptor that was opened outside would let the command
// change the mode and the times of the person's terminal, or of the machine's
// /dev/null when root runs a cage. A terminal is /dev/console in the cage.
//
// A file that was given for reading only is opened anew as well; see readOnly.
//
// It is called after Build and before Leave. What this user does not own stays
// as it is: there is nothing that the command may change about it.
func (b *Builder) Standard() error {
	for fd := range 3 {
		if err := b.standard(fd); err != nil {
			return fmt.Errorf("reopen descriptor %d: %w", fd, err)
		}
	}
	return nil
}

func (b *Builder) standard(fd int) error {
	var was unix.Stat_t
	if err := unix.Fstat(fd, &was); err != nil {
		return nil // what is closed stays closed
	}
	switch was.Mode & unix.S_IFMT {
	case unix.S_IFCHR:
	case unix.S_IFREG, unix.S_IFBLK:
		return b.readOnly(fd, &was)
	default:
		return nil
	}
	if int(was.Uid) != unix.Getuid() {
		return nil
	}
	name, err := b.pathOf(fd)
	if err != nil {
		return err
	}
	inside, err := b.deviceFor(name, fd)
	if err != nil {
		return err
	}
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return err
	}
	const kept = unix.O_ACCMODE | unix.O_APPEND | unix.O_NONBLOCK
	opened, err := unix.Openat(b.root, strings.TrimPrefix(inside, "/"), flags&kept|unix.O_NOCTTY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(opened) }()
	var is unix.Stat_t
	if err := unix.Fstat(opened, &is); err != nil {
		return err
	}
	if is.Rdev != was.Rdev || is.Ino != was.Ino {
		return fmt.Errorf("%s is another device now", name)
	}
	return unix.Dup3(opened, fd, 0)
}

// pathOf is where the host has what a descriptor of this process leads to.
func (b *Builder) pathOf(fd int) (string, error) {
	buffer := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(b.host, descriptorName(fd), buffer)
	if err != nil {
		return "", err
	}
	return string(bytes.Clone(buffer[:n])), nil
}

// deviceFor is where the cage has a device of the host; a terminal gets a place.
func (b *Builder) deviceFor(name string, fd int) (string, error) {
	for _, own := range ownDevices() {
		if name == "/dev/"+own {
			return name, nil
		}
	}
	place := "/dev/console"
	if fd > 0 {
		place += strconv.Itoa(fd) // standard output may be another terminal than standard input
	}
	if err := b.place(place, true); err != nil {
		return "", err
	}
	err := b.move(b.host, path.Clean(name), place, unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NOEXEC)
	return place, err
}
