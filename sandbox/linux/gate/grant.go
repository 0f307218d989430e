//go:build linux

package gate

import (
	"path"
	"sync"
	"time"

	"openclaw/sandbox/policy"
)

// grantTime is how long a yes covers what its process does with the same path: it
// looks at a file, opens it, looks at it again. Whether a yes holds for longer is
// for who answers: later operations are asked again, and every other process is.
const grantTime = 2 * time.Second

// maxGrants is how many are kept before those that are over are looked for.
const maxGrants = 1024

// Process is one process of the cage, and no other that has its number after it. The
// zero value is one that is not known: no yes lasts for it.
type Process struct {
	PID   int
	Began uint64 // on a clock that goes on for as long as a number could come again
}

// grants are the paths that somebody said yes to, and to which process.
type grants struct {
	now func() time.Time

	mu    sync.Mutex
	era   uint64 // how often all that was said has been taken back
	paths map[string]map[Process]*grant
	count int
}

// grant is a yes to one path, not to what is below it.
type grant struct {
	class policy.Class
	until time.Time
	open  int // handles; they stay usable, and may be looked at
}

func newGrants() *grants {
	return &grants{now: time.Now, paths: map[string]map[Process]*grant{}}
}

// begin is called before a question is put; add takes what it returned.
func (g *grants) begin() (era uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.era
}

// add has a yes hold for a moment, unless all was taken back since the question.
func (g *grants) add(era uint64, by Process, class policy.Class, name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if era != g.era {
		return
	}
	now := g.now()
	if g.count >= maxGrants {
		g.drop(func(one *grant) bool { return !now.Before(one.until) })
	}
	one := g.of(by, class, name)
	if class == policy.ClassPathWrite || one.open == 0 && !now.Before(one.until) {
		one.class = class
	}
	one.until = now.Add(grantTime)
}

// of is the grant of a process, made if there is none. g.mu is held.
func (g *grants) of(by Process, class policy.Class, name string) *grant {
	if g.paths[name] == nil {
		g.paths[name] = map[Process]*grant{}
	}
	one := g.paths[name][by]
	if one == nil {
		one = &grant{class: class}
		g.paths[name][by] = one
		g.count++
	}
	return one
}

// drop forgets those with nothing open that are to be. g.mu is held.
func (g *grants) drop(over func(*grant) bool) {
	for name, each := range g.paths {
		for by, one := range each {
			if one.open == 0 && over(one) {
				g.remove(by, name)
			}
		}
	}
}

// remove forgets one. g.mu is held.
func (g *grants) remove(by Process, name string) {
	delete(g.paths[name], by)
	g.count--
	if len(g.paths[name]) == 0 {
		delete(g.paths, name)
	}
}

// takeBack ends every yes, also to what is being asked now. What is open stays so.
func (g *grants) takeBack() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.era++
	g.drop(func(*grant) bool { return true })
	for _, each := range g.paths {
		for _, one := range each {
			one.until = time.Time{}
		}
	}
}

// fresh reports whether a process may open or change a path without asking.
func (g *grants) fresh(by Process, class policy.Class, name string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	one := g.paths[name][by]
	return by != (Process{}) && one != nil && one.covers(class) && g.now().Before(one.until)
}

// seen reports whether a process may look at a path without asking. The names in a
// folder that it opened may be looked at with it.
func (g *grants) seen(by Process, class policy.Class, name string) bool {
	return g.own(by, class, name) || class == policy.ClassPathRead && g.own(by, class, path.Dir(name))
}

// own is seen by a yes to the path itself.
func (g *grants) own(by Process, class policy.Class, name string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	one := g.paths[name][by]
	return by != (Process{}) && one != nil && one.covers(class) && g.holds(one)
}

// anybody is seen by a yes to any process.
func (g *grants) anybody(class policy.Class, name string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.anybodys(class, name) || class == policy.ClassPathRead && g.anybodys(class, path.Dir(name))
}

func (g *grants) anybodys(class policy.Class, name string) bool {
	for _, one := range g.paths[name] {
		if one.covers(class) && g.holds(one) {
			return true
		}
	}
	return false
}

// holds reports whether a yes is good for a look. g.mu is held.
func (g *grants) holds(one *grant) bool { return one.open > 0 || g.now().Before(one.until) }

// isOpen reports whether any process has opened a path by a yes, and has not closed it.
func (g *grants) isOpen(name string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, one := range g.paths[name] {
		if one.open > 0 {
			return true
		}
	}
	return false
}

// opened and closed count the handles of a path.
func (g *grants) opened(by Process, class policy.Class, name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.of(by, class, name).open++ // the yes may have ended between the answer and the open
}

func (g *grants) closed(by Process, name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if one := g.paths[name][by]; one != nil {
		if one.open--; one.open == 0 && !g.now().Before(one.until) {
			g.remove(by, name)
		}
	}
}

func (one *grant) covers(class policy.Class) bool { return covers(one.class, class) }

// covers reports whether a yes to one class is one to another.
func covers(said, class policy.Class) bool { return said == class || said == policy.ClassPathWrite }

// isLook reports whether an operation changes and opens nothing.
func isLook(operation string) bool {
	return operation == "stat" || operation == "access" || operation == "readlink"
}
