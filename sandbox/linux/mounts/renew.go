//go:build linux

package mounts

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Masks are the places where the gate stands over a file of the host. A mount
// is let go of by the kernel, in every namespace, when somebody outside removes
// or replaces the file that it stands on, as editors do. Each mask therefore
// has spares that Renew puts into its place. Not safe for concurrent use.
type Masks struct {
	list  []*mask
	outer string // one that stands in the cage's own root; empty: there is none
	major uint32 // the gate's device
	minor uint32
}

type mask struct {
	path   string
	spares []int // mounts that are attached nowhere
}

// spares is how often a mask may vanish between two looks at it: a spare can
// only be made while the mask is there.
const spares = 3

// keep notes a mask of the new root and makes its spares.
func (b *Builder) keep(name string) error {
	at, err := beneath(b.root, name)
	if err != nil {
		return fmt.Errorf("open mask: %w", err)
	}
	defer func() { _ = unix.Close(at) }()
	one := &mask{path: name}
	if err := one.replenish(at); err != nil {
		return err
	}
	b.masks.list = append(b.masks.list, one)
	if len(b.masks.list) > 1 {
		return nil
	}
	stat, err := look(at)
	if err != nil {
		return fmt.Errorf("look at mask: %w", err)
	}
	b.masks.major, b.masks.minor = stat.Dev_major, stat.Dev_minor
	return nil
}

// Masks returns the masks of the built root.
func (b *Builder) Masks() *Masks { return &b.masks }

// replenish makes spares from the mask that is attached.
func (m *mask) replenish(attached int) error {
	for len(m.spares) < spares {
		spare, err := unix.OpenTree(attached, "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH)
		if err != nil {
			return fmt.Errorf("clone mask: %w", err)
		}
		m.spares = append(m.spares, spare)
	}
	return nil
}

// look asks which file system something is of, without asking that file system
// anything.
func look(fd int) (unix.Statx_t, error) {
	var stat unix.Statx_t
	err := unix.Statx(fd, "", unix.AT_EMPTY_PATH|unix.AT_STATX_DONT_SYNC|unix.AT_NO_AUTOMOUNT, 0, &stat)
	return stat, err
}

// Renew puts every mask back that is gone and whose path exists, and returns
// those. An error means that a denied path is open: end the cage.
func (m *Masks) Renew() ([]string, error) {
	root, err := openPath(unix.AT_FDCWD, "/")
	if err != nil {
		return nil, err
	}
	defer func() { _ = unix.Close(root) }()
	var renewed []string
	for _, one := range m.list {
		done, err := m.renew(root, one)
		if err != nil {
			return renewed, fmt.Errorf("cover %q again: %w", one.path, err)
		}
		if done {
			renewed = append(renewed, one.path)
		}
	}
	return renewed, nil
}

func (m *Masks) renew(root int, one *mask) (bool, error) {
	at, err := beneath(root, one.path)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		return false, nil // nothing there, or its folder is another thing now
	}
	if err != nil {
		return false, err
	}
	defer func() { _ = unix.Close(at) }()
	stat, err := look(at)
	if err != nil {
		return false, err
	}
	if stat.Dev_major == m.major && stat.Dev_minor == m.minor {
		_ = one.replenish(at) // if it vanished meanwhile, what is left must do
		return false, nil
	}
	if len(one.spares) == 0 {
		return false, errors.New("no mask is left")
	}
	spare := one.spares[len(one.spares)-1]
	err = unix.MoveMount(spare, "", at, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH)
	if errors.Is(err, unix.ENOENT) {
		return false, nil // removed meanwhile: that is another change to come
	}
	if err != nil {
		return false, err
	}
	one.spares = one.spares[:len(one.spares)-1]
	_ = one.replenish(spare)
	_ = unix.Close(spare)
	return true, nil
}
