//go:build linux

package mounts

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A native folder that is left to the gate while programs are inside it is not
// unmounted, because nothing can be mounted in what is unmounted: its programs would
// reach by a relative name, for as long as they live, whatever comes to be denied in
// it. It is moved to a place that no path leads to, and covered there where that is
// needed, see Cover.

// MaxKept bounds the folders that are kept for programs inside them.
const MaxKept = 256

// The hidden place lies below the cage's own /proc, in the folder that procfs is
// mounted on. Kept is what the kernel says, to a program inside them too, where the
// folders lie, each below its slot's number.
const (
	hiddenUnder = "/proc"
	hiddenName  = "left"
	Kept        = hiddenUnder + "/" + hiddenName
)

// hide makes the hidden place, before something is mounted on the folder above it.
func (b *Builder) hide() error {
	fd, err := openPath(b.root, strings.TrimPrefix(hiddenUnder, "/"))
	if err != nil {
		return err
	}
	b.levels.under = fd
	if err := unix.Mkdirat(fd, hiddenName, 0o700); err != nil {
		return fmt.Errorf("make hidden place: %w", err)
	}
	return nil
}

// closet mounts a file system on the hidden place when the first folder has to be
// kept. It has a folder for each, and nobody without a capability gets past its root,
// which is above all of them.
func (l *Levels) closet() (int, error) {
	if l.kept >= 0 {
		return l.kept, nil
	}
	system, err := unix.Fsopen("tmpfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("make closet: %w", err)
	}
	defer func() { _ = unix.Close(system) }()
	if err := unix.FsconfigCreate(system); err != nil {
		return -1, fmt.Errorf("make closet: %w", err)
	}
	root, err := unix.Fsmount(system, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC)
	if err != nil {
		return -1, fmt.Errorf("mount closet: %w", err)
	}
	if err := furnish(root, l.under); err != nil {
		_ = unix.Close(root)
		return -1, err
	}
	l.kept = root
	return root, nil
}

func furnish(root, under int) error {
	for slot := range MaxKept {
		if err := unix.Mkdirat(root, strconv.Itoa(slot), 0o700); err != nil {
			return fmt.Errorf("furnish closet: %w", err)
		}
	}
	if err := unix.Fchmodat(root, ".", 0, 0); err != nil {
		return fmt.Errorf("close closet: %w", err)
	}
	if err := unix.MountSetattr(root, "", unix.AT_EMPTY_PATH, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}); err != nil {
		return fmt.Errorf("close closet: %w", err)
	}
	if err := unix.MoveMount(root, "", under, hiddenName, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return fmt.Errorf("hide closet: %w", err)
	}
	return nil
}

// Unbind leaves a folder to the gate again. If programs are inside it, or have
// something of it open, it is kept in a free slot. It is no error if nothing was
// mounted.
func (l *Levels) Unbind(name string, slot int) (kept bool, err error) {
	place, mounted, err := l.place(name)
	if err == nil {
		_ = unix.Close(place) // while it is open, the folder is in use
	}
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || err == nil && !mounted {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	dir, err := l.inside(path.Dir(name))
	if err != nil {
		return false, err
	}
	defer func() { _ = unix.Close(dir) }()
	err = unix.Unmount(fmt.Sprintf("/proc/self/fd/%d/%s", dir, path.Base(name)), unix.UMOUNT_NOFOLLOW)
	if err == nil {
		return false, nil
	}
	if !errors.Is(err, unix.EBUSY) {
		return false, fmt.Errorf("unmount %q: %w", name, err)
	}
	closet, err := l.closet()
	if err != nil {
		return false, err
	}
	if err := unix.MoveMount(dir, path.Base(name), closet, strconv.Itoa(slot), 0); err != nil {
		return false, fmt.Errorf("keep %q: %w", name, err)
	}
	return true, nil
}

// Forget unmounts what a slot keeps, unless programs are still inside it or it is
// covered somewhere.
func (l *Levels) Forget(slot int) error {
	closet, err := l.closet()
	if err != nil {
		return err
	}
	return unix.Unmount(fmt.Sprintf("/proc/self/fd/%d/%d", closet, slot), unix.UMOUNT_NOFOLLOW)
}

// coverTries bounds how often a file is replaced by one of another kind before it is
// given up.
const coverTries = 8

// Cover puts the gate over a path, which the gate serves already, in those of the
// kept folders that lie above it: from there it is the gate's too, by whatever name.
// The mount goes when somebody outside replaces the file, so this is called again
// then. It returns in how many folders it had to be covered.
func (l *Levels) Cover(name string, slots []int) (int, error) {
	covered := 0
	folders := l.above(name)
	for _, slot := range slots {
		root, err := l.slot(slot)
		if err != nil {
			return covered, err
		}
		done, err := l.coverBelow(name, root, folders)
		_ = unix.Close(root)
		if err != nil {
			return covered, fmt.Errorf("cover %q: %w", name, err)
		}
		if done {
			covered++
		}
	}
	return covered, nil
}

// slot opens the folder that a slot keeps.
func (l *Levels) slot(slot int) (int, error) {
	closet, err := l.closet()
	if err != nil {
		return -1, err
	}
	return openPath(closet, strconv.Itoa(slot))
}

// folder is one of the host's, and which it is.
type folder struct {
	path string
	stat unix.Statx_t
}

// above lists the host's folders above a name, in the level that it lies in.
func (l *Levels) above(name string) []folder {
	var list []folder
	for at := parent(name); at != "/"; at = parent(at) {
		fd, err := l.source(at)
		if errors.Is(err, errNoLevel) {
			break
		}
		if err != nil {
			continue // replaced meanwhile, which is another change to come
		}
		if stat, err := look(fd); err == nil {
			list = append(list, folder{at, stat})
		}
		_ = unix.Close(fd)
	}
	return list
}

// coverBelow covers a name in a kept folder if that is one of those above it: by
// which it is, since it may have been renamed after it was bound.
func (l *Levels) coverBelow(name string, root int, folders []folder) (bool, error) {
	kept, err := look(root)
	if err != nil {
		return false, err
	}
	for _, at := range folders {
		if at.stat.Ino == kept.Ino && at.stat.Dev_major == kept.Dev_major && at.stat.Dev_minor == kept.Dev_minor {
			return l.cover(name, root, name[len(at.path)+1:])
		}
	}
	return false, nil
}

func (l *Levels) cover(name string, root int, relative string) (bool, error) {
	var failed error
	for range coverTries {
		at, err := within(root, relative, 0)
		if gone(err) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		done, err := l.coverAt(name, at)
		_ = unix.Close(at)
		if done || err == nil {
			return done, nil
		}
		failed = err // another kind of file, or none, has the name by now
	}
	return false, failed
}

func (l *Levels) coverAt(name string, at int) (bool, error) {
	stat, err := look(at)
	if err != nil {
		return false, err
	}
	if l.gates(stat) {
		return false, nil
	}
	view, err := l.inside(name)
	if err != nil {
		return false, err
	}
	defer func() { _ = unix.Close(view) }()
	if stat, err = look(view); err != nil {
		return false, err
	}
	if !l.gates(stat) {
		return false, errors.New("the gate does not serve it")
	}
	mask, err := unix.OpenTree(view, "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH)
	if err != nil {
		return false, fmt.Errorf("clone mount: %w", err)
	}
	defer func() { _ = unix.Close(mask) }()
	if err := unix.MoveMount(mask, "", at, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH); err != nil {
		return false, fmt.Errorf("attach mount: %w", err)
	}
	return true, nil
}

func gone(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP)
}

// gates reports whether something is of the gate's file system.
func (l *Levels) gates(stat unix.Statx_t) bool {
	return stat.Dev_major == l.major && stat.Dev_minor == l.minor
}

// inside opens a path as the cage sees it.
func (l *Levels) inside(name string) (int, error) {
	root, err := openPath(unix.AT_FDCWD, "/")
	if err != nil {
		return -1, err
	}
	defer func() { _ = unix.Close(root) }()
	return beneath(root, name)
}

// within opens a relative path below a folder without following links.
func within(dir int, relative string, flags uint64) (int, error) {
	how := unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_CLOEXEC | unix.O_NOFOLLOW | flags,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_SYMLINKS,
	}
	for {
		fd, err := unix.Openat2(dir, relative, &how)
		if !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EAGAIN) {
			return fd, err
		}
	}
}
