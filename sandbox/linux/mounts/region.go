//go:build linux

package mounts

import (
	"slices"
	"sync"

	"openclaw/sandbox/policy"
)

// Region is how a part of the tree is reached inside the cage.
type Region int

// The regions. Gate: served by the supervisor, which refuses what the policy
// does not allow. Read and Write: the host's own files, bound natively.
// Private: made for the run, nothing of the host's.
const (
	Gate Region = iota
	Read
	Write
	Private
)

func (r Region) String() string {
	return [...]string{"gate", "read", "write", "private"}[r]
}

// Native reports whether the host's files are there without the gate.
func (r Region) Native() bool { return r == Read || r == Write }

// privateRoots are the folders that every cage has of its own. /sys is not
// there at all.
func privateRoots() []string { return []string{"/dev", "/proc", "/run", "/sys", "/tmp"} }

func underPrivate(name string) bool {
	for _, root := range privateRoots() {
		if under(name, root) {
			return true
		}
	}
	return false
}

// Regions answers which region a path lies in. It is safe for concurrent use.
type Regions struct {
	at       map[string]Region
	patterns []pattern

	mu     sync.RWMutex
	served map[string]bool
	whole  []string // folders that are served with all that is below
}

// pattern is a denied one of a certain depth, and an allowed folder in which it
// is looked for.
type pattern struct{ glob, root string }

// Served reports whether a folder that is open to the cage is served by the gate
// all the same, because something below it is not.
func (r *Regions) Served(name string) bool {
	r.mu.RLock()
	served := r.served[name] || slices.ContainsFunc(r.whole, func(dir string) bool { return under(name, dir) })
	r.mu.RUnlock()
	if served {
		return true
	}
	for _, one := range r.patterns {
		if under(name, one.root) && policy.MayMatchBelow(one.glob, name) && r.Of(name).Native() {
			return true
		}
	}
	return false
}

// Serve notes that a path has come to be denied, and returns the folders above it
// that the gate has to serve from now on, the highest first.
func (r *Regions) Serve(name string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var added []string
	for at := parent(name); at != "/" && r.Of(at).Native(); at = parent(at) {
		if !r.served[at] {
			r.served[at] = true
			added = append(added, at)
		}
	}
	slices.Reverse(added)
	return added
}

// ServeAll has the gate serve a folder with all that is below it: nothing but the gate
// sees there what a name is denied for. It returns what Serve does.
func (r *Regions) ServeAll(dir string) []string {
	added := r.Serve(join(dir, "x"))
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.whole, dir) {
		r.whole = append(r.whole, dir)
	}
	return added
}

// Splits reports whether a folder holds what is not open as the rest of it.
func (r *Regions) Splits(p *policy.Policy, name string) bool { return r.Served(name) || p.Splits(name) }

// Native says how a folder in a served one may be bound natively: Read or Write
// if all below it is open alike, else Gate.
func (r *Regions) Native(p *policy.Policy, name string) Region {
	region := judge(p, p, name)
	if !region.Native() || r.Splits(p, name) {
		return Gate
	}
	return region
}

// Of returns the region of a clean absolute path with no symbolic link in it.
func (r *Regions) Of(name string) Region {
	for {
		if region, ok := r.at[name]; ok {
			return region
		}
		if name == "/" || name == "" {
			return Gate
		}
		name = parent(name)
	}
}

// Level returns the highest served folder that a path lies in or is; "" if there
// is none.
func (r *Regions) Level(name string) string {
	level := ""
	for at := name; at != "/" && at != ""; at = parent(at) {
		if r.Served(at) {
			level = at
		}
	}
	return level
}

// ServedFolders lists the folders that a path in a rule makes the gate serve.
// Those that a pattern makes it serve are not among them: nothing native lies in
// one that it may match anywhere below.
func (r *Regions) ServedFolders() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	names := make([]string, 0, len(r.served))
	for name := range r.served {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Boundaries lists the paths at which the region may change.
func (r *Regions) Boundaries() []string {
	names := make([]string, 0, len(r.at))
	for name := range r.at {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// above is the region that surrounds a path which is itself a boundary.
func (r *Regions) above(name string) Region {
	if name == "/" {
		return Gate
	}
	return r.Of(parent(name))
}

func parent(name string) string {
	for i := len(name) - 1; i > 0; i-- {
		if name[i] == '/' {
			return name[:i]
		}
	}
	return "/"
}

// opener says how far a path is open: a policy, or an index of it.
type opener interface {
	Opens(name string) policy.Access
}

// judge says which region a boundary opens.
func judge(p *policy.Policy, by opener, name string) Region {
	if underPrivate(name) && !written(p, name) {
		return Private
	}
	switch by.Opens(name) {
	case policy.AccessRead:
		return Read
	case policy.AccessWrite:
		return Write
	}
	return Gate
}

// written reports whether a person opened this part of a system or a private folder:
// then the host's files are meant. Who opens a whole private folder, or the whole
// machine, has the cage's own there all the same.
func written(p *policy.Policy, name string) bool {
	private := underPrivate(name)
	for i := range p.Paths {
		rule := &p.Paths[i]
		if rule.Effect != policy.Allow || rule.System || rule.Glob || !under(name, rule.Path) {
			continue
		}
		if !private || underPrivate(rule.Path) && !slices.Contains(privateRoots(), rule.Path) {
			return true
		}
	}
	return false
}
