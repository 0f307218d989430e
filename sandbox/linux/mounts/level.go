//go:build linux

package mounts

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/policy"
)

// A mount covers a file of the host, not a name: the kernel takes it away, in
// every namespace, when somebody outside removes or replaces that file, as every
// editor does. So nothing that is less than its surroundings is covered by a
// mount. Instead every folder from the allowed root down to it is served by the
// gate, which refuses the name, whatever is there. The folders beside the way
// hold nothing that is refused; they are bound natively into the served ones, so
// that nearly all files are reached without the gate. Such a bind opens nothing
// that the gate would not, so it may be missing, come later or be taken away at
// any time.
//
// Measured and given up: a spare mask that is put back at once (a program that
// waits for the moment reads the new file); an empty file made in the place of
// what does not exist (two cages take it away from each other); every open handed
// to the supervisor (13 to 30 µs each, for the whole cage).

// maxBinds bounds the folders that are bound natively when a cage is built. Each
// takes about 25 µs, and 150 µs below another. What is left is bound when the
// cage first comes upon it, as is all of the system's own folders, which are
// served to root alone: it has a hundred, and a program looks into two or three.
const maxBinds = 256

// serve finds the folders that the gate has to serve.
func (pl *planner) serve() {
	regions := pl.plan.Regions
	regions.served = map[string]bool{}
	for name, region := range regions.at {
		if name == "/" || region >= regions.above(name) || region == Private || pl.settled(name) {
			continue
		}
		for at := parent(name); at != "/" && regions.Of(at).Native() && !regions.served[at]; at = parent(at) {
			regions.served[at] = true
		}
	}
	for _, start := range pl.starts {
		for at := start; at != "/" && regions.Of(at).Native() && !regions.served[at]; at = parent(at) {
			regions.served[at] = true
		}
	}
}

// settled reports whether a mount is enough to cover a path: it lies in the
// system's own folders, which no one but root changes, only the program's own
// rules deny it, and this user could not read it without a cage either. Reading
// the system's settings through the gate would slow every program down.
func (pl *planner) settled(name string) bool {
	if os.Geteuid() == 0 || !pl.builtIn[name] {
		return false
	}
	for i := range pl.policy.Paths {
		rule := &pl.policy.Paths[i]
		if rule.Effect == policy.Allow && !rule.System && !rule.Glob && under(name, rule.Path) {
			return false
		}
	}
	return true
}

// bindLevels binds what lies beside the way in served folders.
func (pl *planner) bindLevels() {
	regions := pl.plan.Regions
	names := make([]string, 0, len(regions.served))
	for name := range regions.served {
		names = append(names, name)
	}
	for name, region := range regions.at {
		if region.Native() && !regions.served[name] && regions.Served(name) {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := depth(a) - depth(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	left := maxBinds
	for _, dir := range names {
		if !written(pl.policy, dir) {
			continue
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // not there, or not this user's: the gate says so
		}
		for _, entry := range entries {
			name := dir + "/" + entry.Name()
			if _, known := regions.at[name]; known || !entry.IsDir() {
				continue
			}
			region := regions.Native(pl.policy, name)
			if !region.Native() {
				continue
			}
			if left--; left < 0 {
				return
			}
			pl.step(Step{Do: Bind, Path: name, Write: region == Write, NoExec: region == Write && pl.noExec, Optional: true})
		}
	}
}

// Levels are the served folders of a built root, with the host's own below the
// gate. Not safe for concurrent use.
type Levels struct {
	list  []level
	major uint32 // the gate's device
	minor uint32
	under int // the folder of the cage's own that the hidden place lies in
	kept  int // what is mounted there; -1: nothing yet
	gate  int // its root, path only: the cage has no way there
}

type level struct {
	path string
	fd   int // of the host's folder, path only; nothing else reaches it
}

// Levels returns the served folders of the built root.
func (b *Builder) Levels() *Levels { return &b.levels }

// level puts the host's folder in its place, keeps a descriptor of it, and covers
// it with the gate for good: its place is the cage's own or the gate's, which no
// one outside can change.
func (b *Builder) level(s Step) error {
	name := s.Path
	set := uint64(unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV)
	if err := b.move(b.host, name, name, set); err != nil {
		return err
	}
	fd, err := beneath(b.root, name)
	if err != nil {
		return fmt.Errorf("open level: %w", err)
	}
	b.levels.list = append(b.levels.list, level{path: name, fd: fd})
	if s.NoExec {
		set |= unix.MOUNT_ATTR_NOEXEC
	}
	if err := b.move(b.gate, name, name, set); err != nil {
		return err
	}
	at, err := beneath(b.root, name)
	if err != nil {
		return fmt.Errorf("open level: %w", err)
	}
	defer func() { _ = unix.Close(at) }()
	stat, err := look(at)
	b.levels.major, b.levels.minor = stat.Dev_major, stat.Dev_minor
	return err
}

// ErrBound says that something is mounted on a folder already.
var ErrBound = errors.New("something is mounted there")

// Bind puts the host's folder natively into a served one.
func (l *Levels) Bind(s Step) error {
	name := s.Path
	source, err := l.source(name)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(source) }()
	tree, err := unix.OpenTree(source, "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH|unix.AT_RECURSIVE)
	if err != nil {
		return fmt.Errorf("clone mount: %w", err)
	}
	defer func() { _ = unix.Close(tree) }()
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV}
	if !s.Write {
		attr.Attr_set |= unix.MOUNT_ATTR_RDONLY
	}
	if s.NoExec {
		attr.Attr_set |= unix.MOUNT_ATTR_NOEXEC
	}
	if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &attr); err != nil {
		return fmt.Errorf("set mount flags: %w", err)
	}
	place, mounted, err := l.place(name)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(place) }()
	if mounted {
		return ErrBound
	}
	if err := unix.MoveMount(tree, "", place, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH); err != nil {
		return fmt.Errorf("attach mount: %w", err)
	}
	return nil
}

// errNoLevel says that a path lies in no served folder.
var errNoLevel = errors.New("it lies in no served folder")

// source opens the host's folder.
func (l *Levels) source(name string) (int, error) {
	for _, one := range l.list {
		if name != one.path && under(name, one.path) {
			return within(one.fd, strings.TrimPrefix(name[len(one.path):], "/"), unix.O_DIRECTORY)
		}
	}
	return -1, fmt.Errorf("%q: %w", name, errNoLevel)
}

// place opens a folder as the cage sees it, and says whether it is the root of a
// native mount.
func (l *Levels) place(name string) (fd int, mounted bool, err error) {
	if fd, err = l.inside(name); err != nil {
		return -1, false, err
	}
	stat, err := look(fd)
	if err != nil {
		_ = unix.Close(fd)
		return -1, false, err
	}
	return fd, !l.gates(stat), nil
}
