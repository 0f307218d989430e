//go:build linux

package mounts

import "golang.org/x/sys/unix"

// prefetch opens the places of all masks in the gate, in their order, while the
// caller does the rest: each is a way to the supervisor and back, and a thread
// that waits for it builds nothing meanwhile. The steps that use them take them
// with fetched; what is left is closed when the returned function is called,
// once the steps are done.
func (b *Builder) prefetch(steps []Step) (done func()) {
	var names []string
	for _, s := range steps {
		if s.Do == Mask {
			names = append(names, string(s.Path))
		}
	}
	opened := make(chan place, len(names))
	stop := make(chan struct{})
	b.opened = opened
	go func() {
		defer close(opened)
		for _, name := range names {
			select {
			case <-stop:
				return
			default:
			}
			fd, err := beneath(b.gate, name)
			opened <- place{name, fd, err}
		}
	}()
	return func() {
		close(stop)
		for p := range opened {
			p.close()
		}
		b.opened = nil
	}
}

// place is a path of the gate that was opened, or why it was not.
type place struct {
	name string
	fd   int
	err  error
}

func (p place) close() {
	if p.err == nil {
		_ = unix.Close(p.fd)
	}
}

// fetched opens a path of the gate, from what prefetch opened if it is next.
func (b *Builder) fetched(name string) (int, error) {
	if b.opened != nil {
		if p, ok := <-b.opened; ok {
			if p.name == name {
				return p.fd, p.err
			}
			p.close()
		}
	}
	return beneath(b.gate, name)
}
