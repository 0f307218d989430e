package sandbox

import (
	"errors"
	"path"
	"slices"
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

	unwatched string // a folder that is left to the gate for it; "" for none
}

// denied closes a path that has come to match a denied pattern: the gate serves the
// folders above it from now on, and covers it for who is in them.
func (b *binder) denied(name string) closed {
	return b.serve(name, b.process.plan.Regions.Serve(name))
}

// refused hears from the gate of a file that is not opened because its name is denied. A
// folder above it may be bound, or about to be, if the name came to match a pattern since
// that was judged. Then who was refused would find the file open a moment later, until the
// watcher sees it: so it is closed first, and nothing above it is bound from then on. It is
// false if done closed before: a program's own signals do that too.
func (b *binder) refused(done <-chan struct{}, name string) bool {
	p := b.process
	in := func(root string) bool { return within(name, root) }
	if !slices.ContainsFunc(p.plan.Watched, in) {
		return true
	}
	dirs := p.plan.Regions.Serve(name)
	if len(dirs) == 0 && b.mountOf(name) == "" {
		return true
	}
	closed := make(chan struct{})
	p.services.Go(func() {
		defer close(closed)
		is := b.serve(name, dirs)
		if is.was || is.covered || is.failed != nil { // else it was so before
			p.warn(p.nowDenied(name, is))
		}
		if is.unwatched != "" {
			p.warn(tooMany(is.unwatched))
		}
	})
	select {
	case <-closed:
		return true
	case <-done:
		return false
	}
}

// unlisted leaves a folder that nobody can look through, and all below it, to the
// gate from now on.
func (b *binder) unlisted(name string) closed {
	return b.serve(name, b.process.plan.Regions.ServeAll(name))
}

// unwatched leaves a folder to the gate from now on, with all below it that is bound.
func (b *binder) unwatched(name string) closed {
	is := b.unlisted(name)
	for at := range b.bound(name) {
		is.was = b.toGate(at) || is.was
	}
	return is
}

// serve closes a path when the gate has come to serve folders for it, in which what
// somebody outside moves is watched. One that there is no watch for is left to the gate.
func (b *binder) serve(name string, dirs []string) closed {
	dir, err := b.process.watcher.serve(dirs)
	if err == nil {
		return b.close(name)
	}
	was := b.unwatched(dir).was
	is := b.close(name)
	is.was, is.unwatched = is.was || was, dir
	return is
}

func (b *binder) close(name string) closed {
	is := closed{was: b.toGate(name)}
	file, err := placeOf(name)
	folder := err == nil
	is.was = b.leaveMoved(name) || is.was
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

// leaveMoved gives back a folder, and those above it, that somebody outside has moved from
// the name that they are bound under.
func (b *binder) leaveMoved(name string) bool {
	files := map[place]bool{}
	for at := name; at != "/"; at = path.Dir(at) {
		if file, err := placeOf(at); err == nil {
			files[file] = true
		}
	}
	was := false
	for at, file := range b.bound("") {
		if files[file] {
			was = b.leaveOrEnd(at, name) || was
		}
	}
	return was
}
