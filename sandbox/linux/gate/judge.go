//go:build linux

package gate

import (
	"path"
	"slices"
	"strings"
	"syscall"

	"openclaw/sandbox/policy"
)

// rules is a policy with the names that lead to what it allows.
type rules struct {
	policy *policy.Policy
	shown  map[string][]string // folder → the names in it that lead somewhere allowed
}

// SetPolicy replaces the policy. It is in force for the next operation. It must not be
// called by a callback that the cage's kernel waits for.
func (g *Gate) SetPolicy(p *policy.Policy) {
	r := &rules{policy: p, shown: map[string][]string{}}
	for name := range g.options.Fixed {
		r.show(name)
	}
	for i := range p.Paths {
		if rule := &p.Paths[i]; rule.Effect == policy.Allow && !rule.Glob {
			r.show(rule.Path)
		}
	}
	g.rules.Store(r)
	g.TakeBack() // a yes was to what the policy said then
	g.dropContent()
}

// dropContent has the kernel forget what it has read, ahead of the programs too, of open
// files that may not be read any more: it would give it out without asking here.
func (g *Gate) dropContent() {
	var ids []uint64
	for id, file := range g.nodes.read() {
		effect := g.rules.Load().policy.Decide(policy.Request{Class: policy.ClassPathRead, Path: file.name}).Effect
		if effect != policy.Allow && (effect != policy.Ask || !file.asked) {
			ids = append(ids, id)
		}
	}
	if ids == nil || g.options.OpenAgain == nil {
		return
	}
	prefix := g.again.begin(ids)
	defer g.again.end(prefix)
	g.options.OpenAgain(prefix, len(ids))
}

// show makes every folder above a name list the next one.
func (r *rules) show(name string) {
	for name != "/" {
		dir, base := path.Split(name)
		dir = path.Clean(dir)
		if slices.Contains(r.shown[dir], base) {
			return
		}
		r.shown[dir] = append(r.shown[dir], base)
		name = dir
	}
}

// skeleton reports whether a path is a folder that leads to something allowed.
func (r *rules) skeleton(name string) bool { return len(r.shown[name]) > 0 }

// fixed returns the entry that is always there under a name.
func (g *Gate) fixed(name string) (string, bool) {
	entry, ok := g.options.Fixed[name]
	return entry, ok
}

// allowed judges a path for a caller, without a word to anyone.
func (g *Gate) allowed(thread uint32, class policy.Class, name string) (policy.Decision, bool) {
	decision := g.rules.Load().policy.Decide(policy.Request{Class: class, Path: name})
	if decision.Effect == policy.Allow {
		return decision, true
	}
	return decision, decision.Effect == policy.Ask && g.seen(thread, class, name)
}

// known reports whether the kernel is told what a file is. It has one set of attributes
// of a file for all, which has to be true for as long as anybody may use it.
func (g *Gate) known(name string) bool {
	decision := g.rules.Load().policy.Decide(policy.Request{Class: policy.ClassPathRead, Path: name})
	return decision.Effect == policy.Allow || decision.Effect == policy.Ask && g.granted.anybody(policy.ClassPathRead, name)
}

// permit judges an operation. It returns 0, or EACCES after the refusal was
// reported.
func (g *Gate) permit(done <-chan struct{}, thread uint32, class policy.Class, operation, name string) syscall.Errno {
	if name == "" {
		return syscall.ESTALE
	}
	decision := g.rules.Load().policy.Decide(policy.Request{Class: class, Path: name})
	switch {
	case decision.Effect == policy.Allow:
		return 0
	case decision.Effect != policy.Ask || g.options.AskEach:
	case isLook(operation) && g.seen(thread, class, name), g.fresh(thread, class, name), operation == "stat" && g.inherited(thread, name):
		return 0
	}
	return g.refuse(done, thread, class, operation, name, decision)
}

// refuse reports and answers EACCES, unless the person says yes to an ask.
func (g *Gate) refuse(done <-chan struct{}, thread uint32, class policy.Class, operation, name string, decision policy.Decision) syscall.Errno {
	if g.expected(name) {
		return syscall.EACCES
	}
	refusal := Refusal{Thread: int(thread), Class: class, Operation: operation, Path: name, Decision: decision}
	if decision.Effect == policy.Ask && g.options.Ask != nil {
		era := g.granted.begin()
		yes := g.options.Ask(done, refusal)
		// The policy may have become stricter while it was held.
		now := g.rules.Load().policy.Decide(policy.Request{Class: class, Path: name})
		switch {
		case now.Effect == policy.Deny:
			refusal.Decision = now
		case yes:
			g.granted.add(era, g.process(thread), class, name) // it waits for this, so the number is its own
			return 0
		}
	}
	if g.options.Refused != nil {
		g.options.Refused(refusal)
	}
	return syscall.EACCES
}

// public reports whether a link's text tells its caller nothing.
func (g *Gate) public(thread uint32, dir, target string) bool {
	return Public(dir, target, func(name string) bool {
		_, ok := g.allowed(thread, policy.ClassPathRead, name)
		return ok
	})
}

// Public reports whether the target of a link in a folder is in a part of the tree that
// is open anyway: its text tells nothing, and may be read where the link may not.
func Public(dir, target string, readable func(name string) bool) bool {
	if !strings.HasPrefix(target, "/") {
		target = path.Join(dir, target)
	}
	target = path.Clean(target)
	if target == "/run" || strings.HasPrefix(target, "/run/") {
		return true
	}
	return readable(target)
}
