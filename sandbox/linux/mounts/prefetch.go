//go:build linux

package mounts

import (
	"path"
	"sync"

	"golang.org/x/sys/unix"
)

// lookers is how many threads ask the gate at a time. Each waits for the
// supervisor most of the time.
const lookers = 3

// prefetch opens the places of all masks in the gate while the caller does the
// rest: each is a way to the supervisor and back, and a thread that waits for it
// builds nothing meanwhile. The steps take them with fetched; done closes what
// is left, once the steps are over.
func (b *Builder) prefetch(steps []Step) (done func()) {
	var names []string
	b.places = map[string]*place{}
	for _, s := range steps {
		name := s.Path
		if (s.Do == Mask || s.Do == Level) && b.places[name] == nil {
			names = append(names, name)
			b.places[name] = &place{ready: make(chan struct{})}
		}
	}
	var looking sync.WaitGroup
	share := (len(names) + lookers - 1) / lookers
	for len(names) > 0 {
		mine := names[:min(share, len(names))]
		names = names[len(mine):]
		looking.Go(func() { b.look(mine) })
	}
	return func() {
		looking.Wait()
		for _, p := range b.places {
			if p.err == nil && !p.taken {
				_ = unix.Close(p.fd)
			}
		}
		b.places = nil
	}
}

// place is a path of the gate that was opened, or why it was not.
type place struct {
	ready chan struct{} // closed once the rest is there
	fd    int
	err   error
	taken bool
}

// look opens places. Those of one folder come one after the other, and the way
// to the folder is gone once.
func (b *Builder) look(names []string) {
	folder, in := "", -1
	for _, name := range names {
		p := b.places[name]
		if dir := path.Dir(name); dir != folder || in < 0 {
			if in >= 0 {
				_ = unix.Close(in)
			}
			folder = dir
			in, p.err = beneath(b.gate, dir)
		}
		if in >= 0 {
			p.fd, p.err = beneath(in, "/"+path.Base(name))
		}
		close(p.ready)
	}
	if in >= 0 {
		_ = unix.Close(in)
	}
}

// fetched opens a path of the gate: what prefetch opened, if it did.
func (b *Builder) fetched(name string) (int, error) {
	p := b.places[name]
	if p == nil {
		return beneath(b.gate, name)
	}
	<-p.ready
	if p.taken {
		return beneath(b.gate, name)
	}
	p.taken = true
	return p.fd, p.err
}
