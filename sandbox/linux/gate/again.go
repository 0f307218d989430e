//go:build linux

package gate

import (
	"crypto/rand"
	"strconv"
	"strings"
	"sync"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// again are the open files that the cage's first process opens once more, so that the kernel
// forgets what it has of them, which it does at every open that does not say otherwise
// (FOPEN_KEEP_CACHE). Each has for that, and once, a name in the gate's root, to which no
// path of the cage leads, that nobody can guess.
type again struct {
	mu    sync.Mutex
	names map[string]uint64
}

const againPrefix = ".again-"

// begin gives numbers of files their names, which are the prefix and a count from 0.
func (a *again) begin(ids []uint64) (prefix string) {
	prefix = againPrefix + rand.Text() + "-"
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.names == nil {
		a.names = map[string]uint64{}
	}
	for i, id := range ids {
		a.names[prefix+strconv.Itoa(i)] = id
	}
	return prefix
}

// end takes the names back that were not used.
func (a *again) end(prefix string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for name := range a.names {
		if strings.HasPrefix(name, prefix) {
			delete(a.names, name)
		}
	}
}

// take uses a name. id is 0 if it was used, or never given.
func (a *again) take(name string) (id uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	id = a.names[name]
	delete(a.names, name)
	return id
}

// openAgain answers the creation of such a name with the file that it stands for. The handle
// is none: nothing is read or written by it, whatever the policy says.
func (g *Gate) openAgain(name string, out *fuse.CreateOut) fuse.Status {
	id := g.again.take(name)
	if id == 0 {
		return fuse.EIO
	}
	var attributes fuse.AttrOut
	if status := g.nameless(id, &attributes); status != fuse.OK || !g.nodes.count(id) {
		return fuse.ENOENT // nobody has it open any more
	}
	out.Attr, out.NodeId, out.Generation = attributes.Attr, id, 1
	return fuse.OK
}

// count counts one more look-up of a number, if the kernel knows it.
func (n *nodes) count(id uint64) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	known := n.byID[id]
	if known != nil {
		known.lookups++
	}
	return known != nil
}
