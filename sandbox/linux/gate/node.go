//go:build linux

package gate

import (
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"openclaw/sandbox/policy"
)

// nodes numbers files for the kernel. A path has one number as long as the same
// file is there and the kernel remembers it; a path that is held has it whatever
// is there, so that what is mounted on it stays.
type nodes struct {
	mu   sync.Mutex
	byID map[uint64]*node
	root *place
	next uint64
}

type node struct {
	id      uint64
	at      *place // nil: the name is gone, or leads to another file now
	was     string // the last name then, of what somebody has open
	file    identity
	found   time.Time // on the host, last
	lookups uint64
	open    map[*handle]struct{} // through these the file is reached when its name is gone
	program program
}

// identity tells one file from another. The zero value is not known: something
// refused, or always there.
type identity struct{ device, inode uint64 }

func identityOf(stat *syscall.Stat_t) identity { return identity{stat.Dev, stat.Ino} }

func newNodes() *nodes {
	root := &node{id: fuse.FUSE_ROOT_ID, at: &place{}, lookups: 1}
	root.at.node = root
	return &nodes{byID: map[uint64]*node{root.id: root}, root: root.at, next: fuse.FUSE_ROOT_ID + 1}
}

// path returns the path of a number, or "" when it has none any more.
func (n *nodes) path(id uint64) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if known := n.byID[id]; known != nil && known.at != nil {
		return known.at.path()
	}
	return ""
}

// called is path, or of an open file that has none any more the last one.
func (n *nodes) called(id uint64) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if known := n.byID[id]; known != nil {
		return known.called()
	}
	return ""
}

func (one *node) called() string {
	if one.at == nil {
		return one.was
	}
	return one.at.path()
}

// file returns which file a number stands for, if that is known.
func (n *nodes) file(id uint64) identity {
	n.mu.Lock()
	defer n.mu.Unlock()
	if known := n.byID[id]; known != nil {
		return known.file
	}
	return identity{}
}

// known returns the number of a path that the kernel knows, or 0.
func (n *nodes) known(name string) uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	if at := n.root.find(name); at != nil && at.node != nil {
		return at.node.id
	}
	return 0
}

// found keeps when the name of a number was on the host.
func (n *nodes) found(id uint64, at time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if known := n.byID[id]; known != nil {
		known.found = at
	}
}

// there reports whether the name of a number was on the host a moment ago.
func (n *nodes) there(id uint64, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	known := n.byID[id]
	return known != nil && now.Sub(known.found) < thereTimeout
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

// remember counts one more look-up of a path and returns its number. When
// another file than before is there, it has another number.
func (n *nodes) remember(name string, file identity) uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	at := n.root.make(name)
	known := at.node
	if known != nil && file != (identity{}) {
		if known.file != (identity{}) && known.file != file {
			at.drop()
			known = nil
		} else {
			known.file = file
		}
	}
	if known == nil {
		known = &node{id: n.next, at: at, file: file}
		n.next++
		n.byID[known.id], at.node = known, known
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
		if at := known.at; at != nil {
			at.node = nil
			at.prune()
		}
	}
}

// opened and closed keep the handles of a file, which was found by a name.
func (n *nodes) opened(id uint64, name string, file *handle) {
	n.mu.Lock()
	defer n.mu.Unlock()
	known := n.byID[id]
	if known == nil {
		return
	}
	if known.open == nil {
		known.open = map[*handle]struct{}{}
	}
	known.open[file], file.node = struct{}{}, known
	if known.at == nil { // it went away meanwhile
		known.was = name
	}
}

func (n *nodes) closed(file *handle) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if file.node != nil {
		delete(file.node.open, file)
	}
}

// content is a file that is open for what is in it.
type content struct {
	name  string
	asked bool // by nothing but a yes
}

// read are the files, by their numbers, that are open for what is in them.
func (n *nodes) read() map[uint64]content {
	n.mu.Lock()
	defer n.mu.Unlock()
	files := map[uint64]content{}
	for id, known := range n.byID {
		for file := range known.open {
			if file.runs {
				continue
			}
			before, other := files[id]
			files[id] = content{name: known.called(), asked: file.covers(policy.ClassPathRead) && (before.asked || !other)}
		}
	}
	return files
}

// covers reports whether a file is open by a yes to a class.
func (n *nodes) covers(id uint64, class policy.Class) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if known := n.byID[id]; known != nil {
		for file := range known.open {
			if file.covers(class) {
				return true
			}
		}
	}
	return false
}

// duplicate returns a descriptor of an open file of a number, one for writing if
// that is asked; the caller closes it. It is -1 if there is none.
func (n *nodes) duplicate(id uint64, write bool) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	known := n.byID[id]
	if known == nil {
		return -1
	}
	for file := range known.open {
		if !file.writes && write {
			continue
		}
		if fd, err := unix.FcntlInt(uintptr(file.fd), unix.F_DUPFD_CLOEXEC, 0); err == nil {
			return fd
		}
	}
	return -1
}

// moved follows a rename: the numbers go with the files.
func (n *nodes) moved(from, to string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if over := n.root.find(to); over != nil {
		over.take()
		over.dropAll()
	}
	if at := n.root.find(from); at != nil {
		at.take()
		n.root.put(to, at)
	}
}

// swapped follows an exchange of two names.
func (n *nodes) swapped(a, b string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	one, other := n.root.find(a), n.root.find(b)
	for _, at := range []*place{one, other} {
		if at != nil {
			at.take()
		}
	}
	if one != nil {
		n.root.put(b, one)
	}
	if other != nil {
		n.root.put(a, other)
	}
}

// gone forgets the path of a name that was removed.
func (n *nodes) gone(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if at := n.root.find(name); at != nil {
		at.drop()
		at.prune()
	}
}
