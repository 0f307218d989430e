package sandbox

import (
	"errors"
	"strconv"
	"strings"

	"openclaw/sandbox/linux/mounts"
	"openclaw/sandbox/linux/stage"
)

// kept is a native folder that was given back to the gate while programs were inside
// it, or had something of it open. They stay there, and what comes to be denied is
// covered there too.
type kept struct {
	name    string // as it was bound
	file    place
	settled bool // init has put it there
}

var errFull = errors.New("too many folders are closed with programs inside them")

// giveBack has init leave a folder to the gate.
func (b *binder) giveBack(name string, file place) error {
	slot, err := b.take(kept{name: name, file: file})
	if err != nil {
		return err
	}
	bound, err := b.ask(stage.KindUnbind, func(number uint64) any { return stage.Bind{Number: number, Path: name, Slot: slot} })
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil && bound.Kept {
		b.kept[slot].settled = true
	} else {
		b.kept[slot] = nil
	}
	return err
}

// take finds a free slot for a folder. It is the folder's before programs can be
// seen in it.
func (b *binder) take(folder kept) (int, error) {
	if slot := b.free(folder); slot >= 0 {
		return slot, nil
	}
	used := b.used()
	bound, err := b.ask(stage.KindForget, func(number uint64) any { return stage.Cover{Number: number, Slots: used} })
	if err != nil {
		return -1, err
	}
	b.mu.Lock()
	for _, slot := range bound.Free {
		b.kept[slot] = nil
	}
	b.mu.Unlock()
	if slot := b.free(folder); slot >= 0 {
		return slot, nil
	}
	return -1, errFull
}

func (b *binder) free(folder kept) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	for slot, taken := range b.kept {
		if taken == nil {
			b.kept[slot] = &folder
			return slot
		}
	}
	return -1
}

// used are the slots that a folder is kept in.
func (b *binder) used() []int {
	b.mu.Lock()
	defer b.mu.Unlock()
	var slots []int
	for slot, folder := range b.kept {
		if folder != nil && folder.settled {
			slots = append(slots, slot)
		}
	}
	return slots
}

// named is the path of the host for one that the kernel gives of something in a
// folder that is kept.
func (b *binder) named(name string) string {
	rest, ok := strings.CutPrefix(name, mounts.Kept+"/")
	if !ok || b == nil {
		return name
	}
	number, below, _ := strings.Cut(rest, "/")
	slot, err := strconv.Atoi(number)
	if err != nil || slot < 0 || slot >= len(b.kept) {
		return name
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch folder := b.kept[slot]; {
	case folder == nil:
		return name
	case below == "":
		return folder.name
	default:
		return folder.name + "/" + below
	}
}

// closed is what became of a path that has come to be denied.
type closed struct {
	was     bool  // it was open natively until now
	covered bool  // also to programs in a folder above it, which it was covered for
	inside  bool  // it is a folder, and programs may be in it
	failed  error // to cover it
}

// denied closes a path that has come to match a denied pattern: the gate serves the
// folders above it from now on, and covers it for who is in them.
func (b *binder) denied(name string) closed {
	b.process.plan.Regions.Serve(name)
	return b.close(name)
}

// unlisted leaves a folder that nobody can look through, and all below it, to the
// gate from now on.
func (b *binder) unlisted(name string) closed {
	b.process.plan.Regions.ServeAll(name)
	return b.close(name)
}

// unwatched leaves a folder to the gate from now on, with all below it that is bound.
func (b *binder) unwatched(name string) closed {
	is := b.unlisted(name)
	b.mu.Lock()
	var below []string
	for at := range b.folders {
		if strings.HasPrefix(at, name+"/") {
			below = append(below, at)
		}
	}
	b.mu.Unlock()
	for _, at := range below {
		is.was = b.toGate(at) || is.was
	}
	return is
}

func (b *binder) close(name string) closed {
	is := closed{was: b.toGate(name)}
	file, err := placeOf(name)
	folder := err == nil
	if folder {
		is.was = b.leaveFile(file) || is.was
	}
	slots := b.used()
	if len(slots) == 0 {
		return is
	}
	bound, err := b.ask(stage.KindCover, func(number uint64) any { return stage.Cover{Number: number, Path: name, Slots: slots} })
	if !errors.Is(err, errEnded) {
		is.failed = err
	}
	is.covered = bound.Covered > 0
	is.inside = folder && (is.covered || b.keeps(file))
	return is
}

// keeps reports whether a folder itself is kept for programs inside it.
func (b *binder) keeps(file place) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, folder := range b.kept {
		if folder != nil && folder.file == file {
			return true
		}
	}
	return false
}

// leaveFile gives back a folder that somebody outside has moved from the name that it
// is bound under.
func (b *binder) leaveFile(file place) bool {
	b.mu.Lock()
	var names []string
	for name, folder := range b.folders {
		select {
		case <-folder.done:
			if folder.file == file {
				names = append(names, name)
			}
		default:
		}
	}
	b.mu.Unlock()
	for _, name := range names {
		_, _ = b.leave(name) // it stays what it was to the cage if it cannot be
	}
	return len(names) > 0
}
