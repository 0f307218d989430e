//go:build linux

package mounts

import (
	"slices"

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

// Regions answers which region a path lies in. It is immutable.
type Regions struct {
	at map[string]Region
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

// judge says which region a boundary opens.
func judge(p *policy.Policy, name string) Region {
	if underPrivate(name) && !written(p, name) {
		return Private
	}
	if p.Decide(policy.Request{Class: policy.ClassPathRead, Path: name}).Effect != policy.Allow {
		return Gate
	}
	if p.Decide(policy.Request{Class: policy.ClassPathWrite, Path: name}).Effect == policy.Allow {
		return Write
	}
	return Read
}

// written reports whether a person opened this part of a private folder: then
// the host's files are meant.
func written(p *policy.Policy, name string) bool {
	for i := range p.Paths {
		rule := &p.Paths[i]
		if rule.Effect == policy.Allow && !rule.System && !rule.Glob && under(name, rule.Path) {
			return true
		}
	}
	return false
}
