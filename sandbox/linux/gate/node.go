//go:build linux

package gate

import (
	"maps"
	"strings"
	"sync"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// nodes numbers paths for the kernel. A path has one number as long as the
// kernel remembers it, so that what is mounted on it stays.
type nodes struct {
	mu     sync.Mutex
	byID   map[uint64]*node
	byPath map[string]*node
	next   uint64
}

type node struct {
	id      uint64
	path    string // "": the name is gone
	lookups uint64
}

func newNodes() *nodes {
	root := &node{id: fuse.FUSE_ROOT_ID, path: "/", lookups: 1}
	return &nodes{
		byID: map[uint64]*node{root.id: root}, byPath: map[string]*node{"/": root}, next: fuse.FUSE_ROOT_ID + 1,
	}
}

// path returns the path of a number, or "" when it has none any more.
func (n *nodes) path(id uint64) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if known := n.byID[id]; known != nil {
		return known.path
	}
	return ""
}

// child is the path of a name in a folder.
func (n *nodes) child(id uint64, name string) string {
	dir := n.path(id)
	switch {
	case dir == "" || name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00"):
		return ""
	case dir == "/":
		return "/" + name
	}
	return dir + "/" + name
}

// remember counts one more look-up of a path and returns its number.
func (n *nodes) remember(name string) uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	known := n.byPath[name]
	if known == nil {
		known = &node{id: n.next, path: name}
		n.next++
		n.byID[known.id], n.byPath[name] = known, known
	}
	known.lookups++
	return known.id
}

// forget takes look-ups back.
func (n *nodes) forget(id, lookups uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	known := n.byID[id]
	if known == nil || id == fuse.FUSE_ROOT_ID {
		return
	}
	known.lookups -= min(lookups, known.lookups)
	if known.lookups == 0 {
		delete(n.byID, id)
		if n.byPath[known.path] == known {
			delete(n.byPath, known.path)
		}
	}
}

// moved follows a rename: the numbers go with the files.
func (n *nodes) moved(from, to string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.drop(to)
	for name, known := range n.byPath {
		if name == from || strings.HasPrefix(name, from+"/") {
			delete(n.byPath, name)
			known.path = to + name[len(from):]
			n.byPath[known.path] = known
		}
	}
}

// swapped follows an exchange of two names.
func (n *nodes) swapped(a, b string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	changed := map[string]*node{}
	for name, known := range n.byPath {
		for _, pair := range [][2]string{{a, b}, {b, a}} {
			if name == pair[0] || strings.HasPrefix(name, pair[0]+"/") {
				delete(n.byPath, name)
				known.path = pair[1] + name[len(pair[0]):]
				changed[known.path] = known
				break
			}
		}
	}
	maps.Copy(n.byPath, changed)
}

// gone forgets the path of a name that was removed.
func (n *nodes) gone(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.drop(name)
}

func (n *nodes) drop(name string) {
	if known := n.byPath[name]; known != nil {
		delete(n.byPath, name)
		known.path = ""
	}
}
