//go:build linux

package gate

import (
	"path"
	"sync"
)

// held are the folders that something is mounted on. The kernel lets go of a
// mount when its place is another file at a look-up, so a held name is a folder
// with the same number whatever the host has there.
type held struct {
	mu    sync.RWMutex
	names map[string]bool
}

func newHeld(names []string) *held {
	h := &held{names: make(map[string]bool, len(names))}
	for _, name := range names {
		h.names[name] = true
	}
	return h
}

func (h *held) has(name string) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.names[name]
}

// Hold keeps the name of a folder as it is, so that something can be mounted on
// it. Only LetGo ends that.
func (g *Gate) Hold(name string) {
	g.held.mu.Lock()
	defer g.held.mu.Unlock()
	g.held.names[name] = true
}

// LetGo lets a name be what the host has there. Nothing is mounted on it any
// more. It must not be called by a callback that the cage's kernel waits for.
func (g *Gate) LetGo(name string) {
	g.held.mu.Lock()
	was := g.held.names[name]
	delete(g.held.names, name)
	g.held.mu.Unlock()
	server := g.server.Load()
	if folder := g.nodes.known(path.Dir(name)); was && server != nil && folder != 0 {
		server.EntryNotify(folder, path.Base(name)) // it may be unknown to the kernel, which is no matter
	}
}

// came tells of a folder that the cage came upon.
func (g *Gate) came(name string, how Came) {
	if g.options.Folder != nil && !g.open.Load() && !g.held.has(name) {
		g.options.Folder(name, how)
	}
}
