package sandbox

import (
	"context"
	"net/netip"
	"os"
	"syscall"
	"time"

	"openclaw/sandbox/linux/control"
	"openclaw/sandbox/linux/gate"
	"openclaw/sandbox/linux/network"
	"openclaw/sandbox/linux/seccomp"
	"openclaw/sandbox/linux/stage"
	"openclaw/sandbox/policy"
	"openclaw/sandbox/positional"
)

// LookUpWith answers look-ups instead of the machine's resolver.
func (c *Cage) LookUpWith(lookup func(ctx context.Context, host string) ([]netip.Addr, error)) {
	c.lookup = lookup
}

// StartBetween is Start, with something that happens between the plan of the cage and
// the cage.
func (c *Cage) StartBetween(ctx context.Context, spec Spec, happens func()) (*Process, error) {
	if err := check(&spec); err != nil {
		return nil, err
	}
	p, planned, err := c.plan(&spec)
	if err != nil {
		return nil, err
	}
	happens()
	return p, p.launch(ctx, planned)
}

// WatchAtMost has runs watch no more than so many folders.
func (c *Cage) WatchAtMost(folders int) { c.watches = folders }

// EndWatch has the watch for denied patterns fail.
func (p *Process) EndWatch() error { return p.tree.file.SetReadDeadline(time.Now()) }

// ForgetLevels has a run see nothing of what is moved in the folders that the gate serves
// now.
func (p *Process) ForgetLevels() {
	p.watcher.mu.Lock()
	defer p.watcher.mu.Unlock()
	clear(p.watcher.wds)
}

// GiveBack leaves a folder that is bound to the gate.
func (p *Process) GiveBack(name string) error {
	_, err := p.binder.leave(name)
	return err
}

// GivenBack reports whether GiveBack has nothing left to do but to have the name forgotten.
func (p *Process) GivenBack(name string) bool { return p.binder.mountOf(name) == "" }

// Hold keeps a name for a folder that Bind then binds.
func (p *Process) Hold(name string) { p.gate.Hold(name) }

// Bind has the cage's first process bind a folder whose name is held.
func (p *Process) Bind(name string) error { return p.binder.bindIn(stage.Bind{Path: name}) }

// HoldBinder has whatever is bound or given back wait until the test goes on.
func (p *Process) HoldBinder() (goOn func()) {
	p.binder.mu.Lock()
	return p.binder.mu.Unlock
}

// Binds reports whether a folder is bound, or about to be.
func (p *Process) Binds(name string) bool { return p.binder.mountOf(name) == name }

// Asks reports whether the cage's first process has been asked for what it has not done yet.
func (p *Process) Asks() bool {
	p.binder.mu.Lock()
	defer p.binder.mu.Unlock()
	return len(p.binder.waiting) > 0
}

// Serves reports whether the gate serves a folder that is open.
func (p *Process) Serves(name string) bool { return p.plan.Regions.Served(name) }

// UseWay forces one of the two kinds of network.
func (c *Cage) UseWay(way string) { c.way = network.Way(way) }

// LookFor has a refused look wait so long for what follows it: a busy machine may take
// longer between the two than what is right for a person.
func (c *Cage) LookFor(window time.Duration) { c.looks = window }

// ProbeBy is Probe with one of the two kinds of network.
func ProbeBy(ctx context.Context, way string) Capabilities {
	return (&Cage{way: network.Way(way)}).probe(ctx)
}

// SetLimit lowers a limit of a process.
func SetLimit(pid, resource int, value uint64) error { return setLimit(pid, resource, value) }

// TestedUnseen takes a cage's word that a call was refused, or a name in the gate, of
// which nobody here has heard.
func TestedUnseen(word stage.Tested) error {
	body, err := positional.Append(nil, word)
	if err != nil {
		return err
	}
	p := &Process{gate: new(gate.Gate)}
	p.judge = &judge{process: p}
	return p.tested(control.Message{Kind: stage.KindTested, Body: body})
}

// WatchTree watches a folder for denied patterns as a run does, and calls denies for all
// that is there or comes, until stop.
func WatchTree(root string, denies func(name string) bool) (stop func() error, err error) {
	none := func(string) {}
	w, err := newTreeWatcher(tree{denies: denies, denied: none, unlisted: none, full: none, away: none}, minWatched)
	if err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- w.run([]string{root}) }()
	return func() error {
		_ = w.file.Close()
		return <-ended
	}, nil
}

// BarredAs is what is told of a call that the filter refuses.
func BarredAs(p *policy.Policy, call *seccomp.Call) (policy.Class, string, policy.Decision) {
	return barredAs(p, call)
}

// ExitsAreRead reports whether this kernel tells how a program ended that is no child.
func ExitsAreRead() bool {
	fd := -1
	attributes := os.ProcAttr{Sys: &syscall.SysProcAttr{PidFD: &fd}}
	process, err := os.StartProcess("/bin/sh", []string{"sh", "-c", "kill -KILL $$"}, &attributes)
	if err != nil {
		return false
	}
	_, _ = process.Wait()
	defer func() { _ = syscall.Close(fd) }()
	status, err := exitOf(fd)
	return err == nil && status.Signaled()
}
