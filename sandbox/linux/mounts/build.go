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

	// HideFirst has no program see in /proc a process that it could not trace, as the
	// caller. Set it before Private.
	HideFirst bool

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
	b := &Builder{gate: -1, levels: Levels{under: -1, kept: -1, gate: -1}}
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
// hands to the supervisor before anything else touches the gate: see gate.Gate.Attach.
func (b *Builder) Gate(uid, gid int) (device int, err error) {
	if device, err = unix.Openat(b.host, "dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0); err != nil {
		return -1, fmt.Errorf("open /dev/fuse: %w", err)
	}
	options := "fd=" + strconv.Itoa(device) + ",rootmode=40000,user_id=" + strconv.Itoa(uid) + ",group_id=" + strconv.Itoa(gid)
	if err := unix.Mount("openclaw", gateRoot, "fuse", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		return -1, fmt.Errorf("mount gate: %w", err) // what is open ends with this process
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
	if b.levels.gate, err = openPath(unix.AT_FDCWD, gateRoot); err != nil {
		return nil, err
	}
	// The kernel takes the gate's root to be the machine's root's until it asks, who is
	// nobody here, and lets nobody create anything there.
	var stat unix.Stat_t
	if err := unix.Fstat(b.levels.gate, &stat); err != nil {
		return nil, fmt.Errorf("look at gate: %w", err)
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
