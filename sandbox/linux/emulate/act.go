//go:build linux

package emulate

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Take duplicates one of the caller's descriptors: both are the same open file.
func (c Caller) Take(number int) (int, error) {
	thread, err := unix.PidfdOpen(c.TID, unix.O_EXCL) // PIDFD_THREAD, Linux 6.9
	if errors.Is(err, unix.EINVAL) {
		thread, err = unix.PidfdOpen(c.PID, 0) // its descriptors are the thread's, unless that has its own: then it gets what its process has
	}
	if err != nil {
		return -1, unix.EACCES
	}
	defer func() { _ = unix.Close(thread) }()
	fd, err := unix.PidfdGetfd(thread, number, 0)
	if errors.Is(err, unix.EBADF) {
		return -1, unix.EBADF
	}
	if err != nil {
		return -1, unix.EACCES
	}
	return fd, nil
}

// owned reports whether this user owns the object. Without a privilege nobody
// else may change its attributes, and this process may have one that the caller
// has not.
func (o *Object) owned() error {
	var stat unix.Stat_t
	if err := unix.Fstat(o.Descriptor, &stat); err != nil {
		return err
	}
	if int(stat.Uid) != unix.Geteuid() {
		return unix.EPERM
	}
	return nil
}

// Chmod changes the mode.
func (o *Object) Chmod(mode uint32) error {
	if err := o.owned(); err != nil {
		return err
	}
	if mode&(unix.S_ISUID|unix.S_ISGID) != 0 {
		return unix.EPERM
	}
	empty := [1]byte{}
	//nolint:gosec // the kernel reads the name during the call
	_, _, errno := unix.Syscall6(unix.SYS_FCHMODAT2, uintptr(o.Descriptor), uintptr(unsafe.Pointer(&empty)), uintptr(mode), unix.AT_EMPTY_PATH, 0, 0)
	return none(errno)
}

// Chown changes the owner as who has no privilege may: to itself, and to a group
// that it is in. -1 leaves one as it is.
func (o *Object) Chown(uid, gid int) error {
	if err := o.owned(); err != nil {
		return err
	}
	if uid != -1 && uid != unix.Geteuid() || gid != -1 && !inGroup(gid) {
		return unix.EPERM
	}
	return unix.Fchownat(o.Descriptor, "", uid, gid, unix.AT_EMPTY_PATH)
}

func inGroup(gid int) bool {
	if gid == unix.Getegid() {
		return true
	}
	groups, err := unix.Getgroups()
	if err != nil {
		return false
	}
	return slices.Contains(groups, gid)
}

// SetTimes sets access and modification time; nil is now.
func (o *Object) SetTimes(times *[2]unix.Timespec) error {
	if err := o.owned(); err != nil {
		return err
	}
	empty := [1]byte{}
	//nolint:gosec // the kernel reads both during the call
	_, _, errno := unix.Syscall6(unix.SYS_UTIMENSAT, uintptr(o.Descriptor), uintptr(unsafe.Pointer(&empty)), uintptr(unsafe.Pointer(times)), unix.AT_EMPTY_PATH, 0, 0)
	return none(errno)
}

// Open opens a file, folder or device anew with the flags of open(2), less those
// that would make something.
func (o *Object) Open(flags int) (int, error) {
	switch o.Type() {
	case unix.S_IFREG, unix.S_IFDIR, unix.S_IFCHR:
	default:
		return -1, unix.EACCES // opening a queue may wait for ever
	}
	restore, err := lower()
	if err != nil {
		return -1, err
	}
	defer restore()
	const kept = unix.O_ACCMODE | unix.O_APPEND | unix.O_TRUNC | unix.O_NONBLOCK | unix.O_DIRECTORY | unix.O_SYNC | unix.O_DSYNC
	return unix.Open(o.Name(), flags&kept|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
}

// Make makes a new file in the folder and opens it.
func (o *Object) Make(name string, flags int, mode uint32) (int, error) {
	restore, err := lower()
	if err != nil {
		return -1, err
	}
	defer restore()
	const kept = unix.O_ACCMODE | unix.O_APPEND | unix.O_NONBLOCK | unix.O_SYNC | unix.O_DSYNC
	return unix.Openat(o.Descriptor, name, flags&kept|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_NOCTTY|unix.O_CLOEXEC, mode&0o777)
}

// Umask is the caller's.
func (c Caller) Umask() uint32 {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(c.TID) + "/status")
	if err != nil {
		return 0o077
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "Umask:"); ok {
			mask, err := strconv.ParseUint(strings.TrimSpace(value), 8, 32)
			if err == nil {
				return uint32(mask)
			}
		}
	}
	return 0o077
}

// Watch adds a watch to an inotify instance.
func (o *Object) Watch(queue int, mask uint32) (int, error) {
	restore, err := lower()
	if err != nil {
		return 0, err
	}
	defer restore()
	return unix.InotifyAddWatch(queue, o.Name(), mask&^unix.IN_DONT_FOLLOW)
}

func none(errno unix.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}
