package sandbox

import (
	"strconv"
	"sync"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/emulate"
	"openclaw/sandbox/policy"
)

// pseudoTerminals is the device that makes a terminal each time it is opened: pty(7).
const pseudoTerminals = "/dev/ptmx"

// ownTerminals are the terminals that programs of a reduced cage have made: of all that lie
// in /dev/pts, where the person's are, they open these. A full cage has a /dev/pts of its own.
type ownTerminals struct {
	mu   sync.Mutex
	held []ownTerminal
}

// ownTerminal is held by a descriptor that keeps it from being another: a terminal that is
// made after this one has gone may have its number, and is not the one that is held.
type ownTerminal struct {
	descriptor int // O_PATH, which does not keep the terminal
	id         fileID
}

// maxTerminals bounds the descriptors that are held; the kernel's own limit for the whole
// machine is 4,096 (kernel.pty.max).
const maxTerminals = 256

// makesTerminals reports whether an object is the device that makes terminals, and a program
// may make some. What a config says of it is judged as for every other path.
func (r *reduced) makesTerminals(object *emulate.Object) bool {
	if object.Path != pseudoTerminals && object.Path != terminals+"/ptmx" || object.Type() != unix.S_IFCHR {
		return false
	}
	current := r.process.judge.policy.Load()
	for _, name := range []string{pseudoTerminals, terminals} {
		if r.reach.of(name) != accessNone || current.Decide(policy.Request{Class: policy.ClassPathWrite, Path: name}).Effect != policy.Allow {
			return false
		}
	}
	return true
}

// open makes a terminal, and returns the end that commands it.
func (o *ownTerminals) open(flags int) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.forget()
	if len(o.held) >= maxTerminals {
		return -1, unix.ENOSPC // as the kernel says at its limit
	}
	fd, err := unix.Open(pseudoTerminals, flags&(unix.O_ACCMODE|unix.O_NONBLOCK)|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	made, err := otherEnd(fd)
	if err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	o.held = append(o.held, made)
	return fd, nil
}

// otherEnd holds the end that a program runs at, while the first one keeps its number.
func otherEnd(fd int) (ownTerminal, error) {
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		return ownTerminal{}, err
	}
	held, err := unix.Open(terminals+"/"+strconv.Itoa(number), unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return ownTerminal{}, err
	}
	stat, err := statOf(held)
	if err != nil {
		_ = unix.Close(held)
		return ownTerminal{}, err
	}
	return ownTerminal{held, fileID{uint64(stat.Dev), stat.Ino}}, nil //nolint:unconvert // not the same on every architecture
}

// has reports whether an object is a terminal that the run has made.
func (o *ownTerminals) has(object *emulate.Object) bool {
	if object.Type() != unix.S_IFCHR {
		return false
	}
	stat, err := statOf(object.Descriptor)
	if err != nil {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.forget()
	for _, one := range o.held {
		if one.id == (fileID{uint64(stat.Dev), stat.Ino}) { //nolint:unconvert // as above
			return true
		}
	}
	return false
}

// forget lets go of terminals that are no more: the kernel takes their name away with
// them. It is called with the lock held.
func (o *ownTerminals) forget() {
	kept := o.held[:0]
	for _, one := range o.held {
		if stat, err := statOf(one.descriptor); err != nil || stat.Nlink == 0 {
			_ = unix.Close(one.descriptor)
			continue
		}
		kept = append(kept, one)
	}
	o.held = kept
}

// close lets go of all.
func (o *ownTerminals) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, one := range o.held {
		_ = unix.Close(one.descriptor)
	}
	o.held = nil
}

func statOf(fd int) (unix.Stat_t, error) {
	var stat unix.Stat_t
	err := unix.Fstat(fd, &stat)
	return stat, err
}
