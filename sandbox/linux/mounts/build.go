//go:build linux

package mounts

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The builder's scratch root: a file system in memory that holds the host's
// tree, the gate and the new root side by side while the cage is built.
const (
	scratch  = "/tmp"
	oldRoot  = "/host"
	newRoot  = "/cage"
	gateRoot = "/gate"
)

// Limits of the cage's own memory file systems. A program may fill them and
// nothing else.
const (
	rootSize = "size=4m,nr_inodes=16k,mode=755"
	tmpSize  = "size=50%,mode=1777" // half of the machine's memory, as tmpfs itself has it
	runSize  = "size=16m,nr_inodes=4k,mode=755"
)

// Builder makes the cage's file system. Its methods run in the order Enter,
// Gate, Private, KernelFiles, Build, Leave, in the process that becomes the cage's init, which must
// have a mount namespace of its own and CAP_SYS_ADMIN over it. It is not safe
// for concurrent use.
type Builder struct {
	host int // descriptors, path only
	root int
	gate int

	// Nested says that programs will make mount namespaces below this one. Set
	// it before KernelFiles.
	Nested bool

	left chan error // of Leave

	places map[string]*place // of the gate, see prefetch
	masks  Masks
	levels Levels
}

// Enter cuts the mount namespace off from the host's and moves to the scratch
// root.
func Enter() (*Builder, error) {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return nil, fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("openclaw", scratch, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, rootSize); err != nil {
		return nil, fmt.Errorf("mount scratch root: %w", err)
	}
	for _, dir := range []string{oldRoot, newRoot, gateRoot} {
		if err := unix.Mkdir(scratch+dir, 0o755); err != nil {
			return nil, fmt.Errorf("make scratch folder: %w", err)
		}
	}
	if err := unix.PivotRoot(scratch, scratch+oldRoot); err != nil {
		return nil, fmt.Errorf("enter scratch root: %w", err)
	}
	if err := unix.Chdir("/"); err != nil {
		return nil, fmt.Errorf("enter scratch root: %w", err)
	}
	if err := unix.Mount("openclaw", newRoot, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, rootSize); err != nil {
		return nil, fmt.Errorf("mount new root: %w", err)
	}
	b := &Builder{gate: -1, levels: Levels{under: -1, kept: -1}}
	var err error
	if b.host, err = openPath(unix.AT_FDCWD, oldRoot); err != nil {
		return nil, err
	}
	if b.root, err = openPath(unix.AT_FDCWD, newRoot); err != nil {
		return nil, err
	}
	return b, nil
}

// Devices is the folder of the host's devices until Leave.
func (b *Builder) Devices() string { return oldRoot + "/dev" }

func openPath(dir int, name string) (int, error) {
	fd, err := unix.Openat(dir, name, unix.O_PATH|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return -1, fmt.Errorf("open %s: %w", name, err)
	}
	return fd, nil
}

// Gate mounts the gate and returns the device that serves it, which the caller
// hands to the supervisor before anything else touches the gate.
func (b *Builder) Gate(uid, gid int) (int, error) {
	device, err := unix.Openat(b.host, "dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open /dev/fuse: %w", err)
	}
	options := "fd=" + strconv.Itoa(device) + ",rootmode=40000,user_id=" + strconv.Itoa(uid) + ",group_id=" + strconv.Itoa(gid)
	if err := unix.Mount("openclaw", gateRoot, "fuse", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		_ = unix.Close(device)
		return -1, fmt.Errorf("mount gate: %w", err)
	}
	return device, nil
}

// Build carries a plan's steps out, and returns those that it did: all but the
// optional ones whose folder is gone, or is none any more. resolver is the text of
// the cage's resolv.conf; empty leaves the host's.
func (b *Builder) Build(steps []Step, resolver string) (done []Step, err error) {
	if b.gate, err = openPath(unix.AT_FDCWD, gateRoot); err != nil {
		return nil, err
	}
	defer b.prefetch(steps)()
	done = make([]Step, 0, len(steps))
	for _, s := range steps {
		err := b.step(s)
		if s.Optional && gone(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s %q: %w", s.Do, s.Path, err)
		}
		done = append(done, s)
	}
	if resolver != "" {
		if err := b.resolver(resolver); err != nil {
			return nil, err
		}
	}
	return done, nil
}

func (b *Builder) step(s Step) error {
	name := s.Path
	if s.Make {
		if err := b.place(name, s.File); err != nil {
			return err
		}
	}
	switch s.Do {
	case Folder:
		return b.place(name, false)
	case Link:
		if err := unix.Symlinkat(s.Target, b.root, name[1:]); err != nil {
			return fmt.Errorf("make link: %w", err)
		}
		return nil
	case Bind:
		set := uint64(unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV)
		if !s.Write {
			set |= unix.MOUNT_ATTR_RDONLY
		}
		if s.NoExec {
			set |= unix.MOUNT_ATTR_NOEXEC
		}
		if s.Optional {
			return b.moveFolder(name, set)
		}
		return b.move(b.host, name, name, set)
	case Mask:
		if err := b.move(b.gate, name, name, 0); err != nil {
			return err
		}
		if s.Make {
			b.masks.outer = name
			return nil
		}
		return b.keep(name)
	case Level:
		return b.level(s)
	case NoExec:
		return unix.MountSetattr(b.root, name[1:], unix.AT_SYMLINK_NOFOLLOW, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_NOEXEC})
	}
	return fmt.Errorf("unknown action: %w", unix.EINVAL)
}

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

// place makes a folder or an empty file in the cage's own memory, with the
// folders above it.
func (b *Builder) place(name string, file bool) error {
	parts := strings.Split(strings.TrimPrefix(name, "/"), "/")
	at := ""
	for i, part := range parts {
		at = path.Join(at, part)
		if i == len(parts)-1 && file {
			fd, err := unix.Openat(b.root, at, unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0o644)
			if err != nil {
				return fmt.Errorf("make place: %w", err)
			}
			return unix.Close(fd)
		}
		if err := unix.Mkdirat(b.root, at, 0o755); err != nil && !errors.Is(err, unix.EEXIST) {
			return fmt.Errorf("make place: %w", err)
		}
	}
	return nil
}

// resolver puts the cage's resolv.conf where the host's leads.
func (b *Builder) resolver(text string) error {
	const source = "/resolv.conf" // in the scratch root, beside the new one
	fd, err := unix.Open(source, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC, 0o444)
	if err != nil {
		return fmt.Errorf("make resolv.conf: %w", err)
	}
	if _, err := unix.Write(fd, []byte(text)); err != nil {
		_ = unix.Close(fd)
		return fmt.Errorf("write resolv.conf: %w", err)
	}
	if err := unix.Close(fd); err != nil {
		return fmt.Errorf("write resolv.conf: %w", err)
	}
	name := "/etc/resolv.conf"
	place, err := b.follow(name)
	if err != nil {
		return fmt.Errorf("find resolv.conf: %w", err)
	}
	if place == "" {
		return nil // the host has none: programs ask 127.0.0.1, which is answered as well
	}
	scratchRoot, err := openPath(unix.AT_FDCWD, "/")
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(scratchRoot) }()
	return b.move(scratchRoot, source, place, unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV)
}

// follow finds where a link chain inside the new root ends, making the end in
// the cage's own memory when it lies in a private folder.
func (b *Builder) follow(name string) (string, error) {
	for range maxLinks {
		fd, err := beneath(b.root, name)
		if errors.Is(err, unix.ENOENT) && underPrivate(name) {
			return name, b.place(name, true)
		}
		if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENOTDIR) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		buffer := make([]byte, unix.PathMax)
		n, err := unix.Readlinkat(fd, "", buffer)
		_ = unix.Close(fd)
		if err != nil {
			return name, nil //nolint:nilerr // not a link: this is the end
		}
		target := string(buffer[:n])
		if !path.IsAbs(target) {
			target = path.Join(path.Dir(name), target)
		}
		name = path.Clean(target)
	}
	return "", nil
}

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
