//go:build linux

package gate

import (
	"path"
	"sync"
	"time"

	"openclaw/sandbox/policy"
)

// grantTime is how long a yes covers what a program does with the same path: it
// looks at a file, opens it, looks at it again. Whether a yes holds for longer is
// for who answers: later operations are asked again.
const grantTime = 2 * time.Second

// maxGrants is how many are kept before those that are over are looked for.
const maxGrants = 1024

// grants are the paths that somebody said yes to.
type grants struct {
	now func() time.Time

	mu    sync.Mutex
	paths map[string]*grant
}

// grant is a yes to one path, not to what is below it.
type grant struct {
	class policy.Class
	until time.Time
	open  int // handles; they stay usable, and may be looked at
}

func newGrants() *grants { return &grants{now: time.Now, paths: map[string]*grant{}} }

func (g *grants) add(class policy.Class, name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	if len(g.paths) >= maxGrants {
		for known, one := range g.paths {
			if one.open == 0 && !now.Before(one.until) {
				delete(g.paths, known)
			}
		}
	}
	one := g.paths[name]
	if one == nil {
		one = &grant{class: class}
		g.paths[name] = one
	}
	if class == policy.ClassPathWrite || one.open == 0 && !now.Before(one.until) {
		one.class = class
	}
	one.until = now.Add(grantTime)
}

// fresh reports whether a path may be opened or changed without asking.
func (g *grants) fresh(class policy.Class, name string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	one := g.paths[name]
	return one != nil && one.covers(class) && g.now().Before(one.until)
}

// seen reports whether a path may be looked at, or used through a handle, without
// asking. The names in a folder that was opened may be looked at with it.
func (g *grants) seen(class policy.Class, name string) bool {
	return g.own(class, name) || class == policy.ClassPathRead && g.own(class, path.Dir(name))
}

// own is seen by a yes to the path itself.
func (g *grants) own(class policy.Class, name string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	one := g.paths[name]
	return one != nil && one.covers(class) && (one.open > 0 || g.now().Before(one.until))
}

// opened and closed count the handles of a path.
func (g *grants) opened(class policy.Class, name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	one := g.paths[name]
	if one == nil { // it ended between the answer and the open
		one = &grant{class: class}
		g.paths[name] = one
	}
	one.open++
}

func (g *grants) closed(name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if one := g.paths[name]; one != nil {
		if one.open--; one.open == 0 && !g.now().Before(one.until) {
			delete(g.paths, name)
		}
	}
}

func (one *grant) covers(class policy.Class) bool {
	return one.class == class || one.class == policy.ClassPathWrite
}

// isLook reports whether an operation changes and opens nothing.
func isLook(operation string) bool {
	return operation == "stat" || operation == "access" || operation == "readlink"
}

// useGrant counts a handle if its path is open by somebody's yes, and returns the
// path then.
func (g *Gate) useGrant(class policy.Class, name string) (asked string) {
	decision := g.rules.Load().policy.Decide(policy.Request{Class: class, Path: name})
	if decision.Effect != policy.Ask {
		return ""
	}
	g.granted.opened(class, name)
	return name
}

// release closes a handle.
func (g *Gate) release(number uint64) {
	file := g.handles.any(number)
	if file == nil {
		return
	}
	g.locks.dropHandle(number)
	g.nodes.closed(file) // first: nobody takes a copy of the descriptor any more
	g.handles.remove(number)
	if file.asked != "" {
		g.granted.closed(file.asked)
	}
}

// listable reports whether a folder may be read now. That it may be looked at, as
// an entry of the one above it, is not enough.
func (g *Gate) listable(name string) bool {
	decision := g.rules.Load().policy.Decide(policy.Request{Class: policy.ClassPathRead, Path: name})
	return decision.Effect == policy.Allow || decision.Effect == policy.Ask && g.granted.fresh(policy.ClassPathRead, name)
}

// asksAgain reports whether a folder is listed by an earlier yes, and each
// operation is to be asked about.
func (g *Gate) asksAgain(name string) bool {
	return g.options.AskEach && g.rules.Load().policy.Decide(policy.Request{Class: policy.ClassPathRead, Path: name}).Effect == policy.Ask
}

// programClass is what the read of a program counts as, when it is run: where
// only running it is asked about, the leave for that covers the read. The mark of
// such an open is the kernel's; no program can set it.
func (g *Gate) programClass(name string) policy.Class {
	p := g.rules.Load().policy
	if p.Decide(policy.Request{Class: policy.ClassPathRead, Path: name}).Effect == policy.Deny &&
		p.Decide(policy.Request{Class: policy.ClassExec, Path: name}).Effect == policy.Ask {
		return policy.ClassExec
	}
	return policy.ClassPathRead
}
