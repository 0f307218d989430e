//go:build linux

package gate

import (
	"path"
	"slices"
	"sync"
)

// held are the folders that something is mounted on, and those above them. The kernel
// lets go of a mount when its place, or a folder above it, is another file at a look-up,
// and programs that are in it then are where nothing can be covered any more. So a held
// name is a folder with the same number whatever the host has there.
type held struct {
	turn sync.Mutex // of who changes it, until the kernel knows

	mu    sync.RWMutex
	names map[string]bool // something is mounted there
	above map[string]int  // on how many below
	again []string        // names that are being looked at again
}

func newHeld(names []string) *held {
	h := &held{names: make(map[string]bool, len(names)), above: map[string]int{}}
	for _, name := range names {
		h.hold(name)
	}
	return h
}

func (h *held) has(name string) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.names[name] || h.above[name] > 0
}

// looksAgain says that names are looked at again, which is no program's doing.
func (h *held) looksAgain(names []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.again = names
}

// still reports whether a name is held, or was until now and is looked at again for that.
func (h *held) still(name string) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.names[name] || h.above[name] > 0 || slices.Contains(h.again, name)
}

func (h *held) hold(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.names[name] {
		return
	}
	h.names[name] = true
	for at := path.Dir(name); at != "/"; at = path.Dir(at) {
		h.above[at]++
	}
}

// letGo returns the names that are held no more.
func (h *held) letGo(name string) (free []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.names[name] {
		return nil
	}
	delete(h.names, name)
	for at := name; at != "/"; at = path.Dir(at) {
		if at != name {
			h.above[at]--
		}
		if h.above[at] == 0 {
			delete(h.above, at)
			if !h.names[at] {
				free = append(free, at)
			}
		}
	}
	return free
}

// Hold keeps the name of a folder, and of those above it, as they are, so that something
// can be mounted on it. Only LetGo ends that.
func (g *Gate) Hold(name string) {
	g.held.turn.Lock() // or the kernel, told of the name, would let go of what is mounted there next
	defer g.held.turn.Unlock()
	g.held.hold(name)
}

// LetGo lets a name be what the host has there, and those above it on which nothing else
// hangs. Nothing is mounted on it any more. It must not be called by a callback that the
// cage's kernel waits for.
func (g *Gate) LetGo(name string) {
	g.held.turn.Lock()
	defer g.held.turn.Unlock()
	free := g.held.letGo(name)
	if len(free) == 0 || g.options.LookAgain == nil {
		return
	}
	g.held.looksAgain(free)
	defer g.held.looksAgain(nil)
	g.options.LookAgain(free)
}

// came tells of a folder that the cage came upon.
func (g *Gate) came(name string, how Came) {
	if g.options.Folder != nil && !g.open.Load() && !g.held.still(name) {
		g.options.Folder(name, how)
	}
}
