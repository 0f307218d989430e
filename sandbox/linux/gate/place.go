//go:build linux

package gate

import (
	"path"
	"strings"
	"time"
)

// place is a name in the tree of those that the kernel knows, and of the folders
// above them. Each keeps its own part of a path only, so that a cage which makes
// many names with long ways to them fills no more of this process than of the
// kernel.
type place struct {
	above *place // nil for the root
	base  string
	below map[string]*place
	node  *node // nil where the kernel knows of names below only
}

// path is the whole name.
func (p *place) path() string {
	if p.above == nil {
		return "/"
	}
	size := 0
	for at := p; at.above != nil; at = at.above {
		size += 1 + len(at.base)
	}
	out := make([]byte, size)
	for at := p; at.above != nil; at = at.above {
		size -= copy(out[size-len(at.base):], at.base) + 1
		out[size] = '/'
	}
	return string(out)
}

// find returns the place of a path below the root p, or nil.
func (p *place) find(name string) *place {
	for part := range strings.SplitSeq(name, "/") {
		if part == "" {
			continue
		}
		if p = p.below[part]; p == nil {
			return nil
		}
	}
	return p
}

// make is find, and makes what is missing.
func (p *place) make(name string) *place {
	for part := range strings.SplitSeq(name, "/") {
		if part == "" {
			continue
		}
		next := p.below[part]
		if next == nil {
			next = &place{above: p, base: strings.Clone(part)}
			p.add(next)
		}
		p = next
	}
	return p
}

func (p *place) add(child *place) {
	if p.below == nil {
		p.below = map[string]*place{}
	}
	p.below[child.base] = child
}

// put gives a place that was taken out another path below the root p.
func (p *place) put(name string, taken *place) {
	dir, base := path.Split(name)
	taken.above, taken.base = p.make(dir), strings.Clone(base)
	taken.above.add(taken)
}

// take takes a place out of the tree, with what is below it.
func (p *place) take() {
	delete(p.above.below, p.base)
	p.above.prune()
}

// drop lets go of the number of a place: its name leads to no file, or to another.
func (p *place) drop() {
	if p.node != nil {
		if len(p.node.open) > 0 {
			p.node.was = p.path()
		}
		p.node.at, p.node.found = nil, time.Time{}
		p.node = nil
	}
}

// dropAll is drop for everything from a place on.
func (p *place) dropAll() {
	for rest := []*place{p}; len(rest) > 0; {
		at := rest[len(rest)-1]
		rest = rest[:len(rest)-1]
		at.drop()
		for _, child := range at.below {
			rest = append(rest, child)
		}
	}
}

// prune forgets a place that stands for nothing any more, and so on above it.
func (p *place) prune() {
	for p.above != nil && p.node == nil && len(p.below) == 0 {
		delete(p.above.below, p.base)
		p = p.above
	}
}
