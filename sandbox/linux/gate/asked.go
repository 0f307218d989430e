//go:build linux

package gate

import "openclaw/sandbox/policy"

// process is who asks; nobody where the kernel asks for itself.
func (g *Gate) process(thread uint32) Process {
	if thread == 0 || g.options.Process == nil {
		return Process{}
	}
	return g.options.Process(int(thread))
}

// seen reports whether the caller has a yes by which it may look at a path. Whoever asks
// of what nobody has one to is not looked for.
func (g *Gate) seen(thread uint32, class policy.Class, name string) bool {
	return g.granted.anybody(class, name) && g.granted.seen(g.process(thread), class, name)
}

// fresh reports whether the caller has one by which it may open or change a path.
func (g *Gate) fresh(thread uint32, class policy.Class, name string) bool {
	return g.granted.anybody(class, name) && g.granted.fresh(g.process(thread), class, name)
}

// inherited reports whether the caller may look at what was opened by a yes: it has that
// file open itself, as a child has what its shell opened for it. The kernel names the
// file for that look, and not what it was opened as.
func (g *Gate) inherited(thread uint32, name string) bool {
	if thread == 0 || g.options.Holds == nil || !g.granted.isOpen(name) {
		return false
	}
	stat, code := g.stat(name)
	return code == 0 && g.options.Holds(int(thread), name, g.devices.number(identityOf(&stat)), veiledNumber(name))
}

// useGrant counts a handle if its path is open by somebody's yes.
func (g *Gate) useGrant(thread uint32, class policy.Class, name string) (by Process, asked string) {
	decision := g.rules.Load().policy.Decide(policy.Request{Class: class, Path: name})
	if decision.Effect != policy.Ask {
		return Process{}, ""
	}
	by = g.process(thread)
	g.granted.opened(by, class, name)
	return by, name
}

// ungrant takes a handle out of the count.
func (g *Gate) ungrant(file *handle) {
	if file.asked != "" {
		g.granted.closed(file.by, file.asked)
	}
}

// covers reports whether a handle was opened by a yes that is one to this too.
func (h *handle) covers(class policy.Class) bool { return h.asked != "" && covers(h.class, class) }

// release closes a handle.
func (g *Gate) release(number uint64) {
	file := g.handles.any(number)
	if file == nil {
		return
	}
	g.locks.dropHandle(number)
	g.nodes.closed(file) // first: nobody takes a copy of the descriptor any more
	g.handles.remove(number)
	g.ungrant(file)
}

// TakeBack ends what every yes covers from here on: the next operation is asked about
// again. What was opened by one stays open.
func (g *Gate) TakeBack() { g.granted.takeBack() }

// asksAgain reports whether a folder is listed by an earlier yes, and each
// operation is to be asked about.
func (g *Gate) asksAgain(name string) bool {
	return g.options.AskEach && g.rules.Load().policy.Decide(policy.Request{Class: policy.ClassPathRead, Path: name}).Effect == policy.Ask
}

// listable reports whether the caller may read a folder now. That it may be looked at,
// as an entry of the one above it, is not enough.
func (g *Gate) listable(thread uint32, name string) bool {
	decision := g.rules.Load().policy.Decide(policy.Request{Class: policy.ClassPathRead, Path: name})
	return decision.Effect == policy.Allow || decision.Effect == policy.Ask && g.fresh(thread, policy.ClassPathRead, name)
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
