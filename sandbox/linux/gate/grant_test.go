//go:build linux

package gate

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"openclaw/sandbox/policy"
)

// A yes is about one path and one process, for a moment, and for what was opened with it.
func TestGrants(t *testing.T) {
	const read, change = policy.ClassPathRead, policy.ClassPathWrite
	now := time.Unix(1, 0)
	g := newGrants()
	mine, other, later := Process{7, 100}, Process{8, 100}, Process{7, 101}
	g.now = func() time.Time { return now }
	type state struct{ fresh, seen bool }
	check := func(what string, class policy.Class, name string, want state) {
		t.Helper()
		if got := (state{g.fresh(mine, class, name), g.seen(mine, class, name)}); got != want {
			t.Errorf("%s: %s %s is %+v", what, class, name, got)
		}
		for _, by := range []Process{other, later, {}} { // the number given again, and nobody
			if g.fresh(by, class, name) || g.seen(by, class, name) || g.own(by, class, name) {
				t.Errorf("%s: %s %s is %+v's as well", what, class, name, by)
			}
		}
		if g.anybody(class, name) != want.seen {
			t.Errorf("%s: %s %s is anybody's: %v", what, class, name, !want.seen)
		}
	}
	check("nothing said", read, "/a", state{})
	g.add(g.begin(), mine, read, "/a")
	check("said yes", read, "/a", state{true, true})
	check("read is not write", change, "/a", state{})
	check("an entry may be looked at", read, "/a/b", state{false, true})
	check("not what is deeper", read, "/a/b/c", state{})
	check("not beside it", read, "/ab", state{})
	g.opened(mine, read, "/a")
	now = now.Add(grantTime)
	check("later, open", read, "/a", state{false, true})
	g.closed(mine, "/a")
	check("later, closed", read, "/a", state{})
	g.add(g.begin(), mine, change, "/w")
	check("write is read too", read, "/w", state{true, true})
	check("an entry may not be changed", change, "/w/x", state{})
	now = now.Add(grantTime)
	g.add(g.begin(), mine, read, "/w")
	check("an old yes to write is over", change, "/w", state{})
	asked := g.begin()
	g.add(asked, mine, read, "/open")
	g.opened(mine, read, "/open")
	g.add(asked, mine, read, "/shut")
	g.takeBack()
	check("taken back, open", read, "/open", state{false, true})
	check("taken back", read, "/shut", state{})
	g.add(asked, mine, read, "/late")
	check("asked before all was taken back", read, "/late", state{})
	g.closed(mine, "/open")
	for n := range 3 * maxGrants {
		g.add(g.begin(), Process{n%5 + 1, 1}, read, fmt.Sprint("/n", n/5))
		now = now.Add(time.Second)
	}
	if len(g.paths) > maxGrants || g.count > maxGrants {
		t.Errorf("%d of %d paths are kept", g.count, len(g.paths))
	}
	for n := range 3 * maxGrants {
		g.add(g.begin(), Process{}, read, fmt.Sprint("/n", n))
	}
	g.takeBack()
	if len(g.paths) != 0 || g.count != 0 {
		t.Errorf("%d of %d paths are kept of what was taken back", g.count, len(g.paths))
	}
}

// A yes that comes when the policy has become stricter, while the program was held,
// allows nothing, and what is told is the rule that refuses by now.
func TestAYesComesTooLateForANarrowerPolicy(t *testing.T) {
	const name = "/srv/data/list"
	asks := &policy.Policy{Asks: []policy.Class{policy.ClassPathWrite}}
	stricter := &policy.Policy{Asks: asks.Asks, Paths: []policy.PathRule{{Path: "/srv/data", Effect: policy.Deny, Text: "denied_paths: /srv/data"}}}
	for _, narrower := range []bool{false, true} {
		var g *Gate
		var told []Refusal
		g = testGate(t, Options{
			Policy:  asks,
			Process: func(thread int) Process { return Process{thread, 1} },
			Refused: func(r Refusal) { told = append(told, r) },
			Ask: func(<-chan struct{}, Refusal) bool {
				if narrower {
					g.SetPolicy(stricter)
				}
				return true
			},
		})
		code := g.permit(nil, 1, policy.ClassPathWrite, "unlink", name)
		if !narrower {
			if code != 0 || len(told) != 0 || !g.fresh(1, policy.ClassPathWrite, name) {
				t.Errorf("a yes in time: %v, %+v", code, told)
			}
			continue
		}
		if code != syscall.EACCES || len(told) != 1 || told[0].Decision.Rule != "denied_paths: /srv/data" {
			t.Errorf("a yes that was too late: %v, %+v", code, told)
		}
		if g.fresh(1, policy.ClassPathWrite, name) {
			t.Error("it is remembered")
		}
	}
}

// One call of a program is several operations, for which its process is asked once: a
// thread of it counts as it does, and another process that has its number after it, or a
// caller that is not known, is asked for itself.
func TestWhoIsAskedAgain(t *testing.T) {
	const name = "/srv/data/list"
	read, change := policy.ClassPathRead, policy.ClassPathWrite
	began := uint64(1)
	var asked int
	g := testGate(t, Options{
		Policy:  &policy.Policy{Asks: []policy.Class{read, change}},
		Process: func(thread int) Process { return Process{thread / 10, began} },
		Ask:     func(<-chan struct{}, Refusal) bool { asked++; return true },
	})
	now := time.Unix(1, 0)
	g.granted.now = func() time.Time { return now }
	for _, step := range []struct {
		what      string
		thread    uint32
		class     policy.Class
		operation string
		began     uint64
		asked     int
	}{
		{"a look", 10, read, "stat", 1, 1},
		{"it opens what it looked at", 10, read, "open", 1, 0},
		{"another thread of it", 11, read, "open", 1, 0},
		{"it writes", 10, change, "open", 1, 1},
		{"another process", 20, read, "stat", 1, 1},
		{"the number given again", 10, read, "open", 2, 1},
		{"the kernel for itself", 0, read, "open", 2, 1},
		{"and again", 0, read, "stat", 2, 1},
	} {
		began, asked = step.began, 0
		if code := g.permit(nil, step.thread, step.class, step.operation, name); code != 0 || asked != step.asked {
			t.Errorf("%s: %v, asked %d times", step.what, code, asked)
		}
	}
	now, asked = now.Add(grantTime), 0
	if code := g.permit(nil, 20, read, "stat", name); code != 0 || asked != 1 {
		t.Errorf("after the time: %v, asked %d times", code, asked)
	}
}

// Who asks is looked for only where somebody has a yes: what a rule allows, and what
// nobody has been asked about, costs nothing for it.
func TestNobodyIsLookedForWithoutAYes(t *testing.T) {
	g := testGate(t, Options{
		Policy:  &policy.Policy{Asks: []policy.Class{policy.ClassPathRead}, Paths: []policy.PathRule{{Path: "/usr", Effect: policy.Allow, Access: policy.AccessRead}}},
		Process: func(int) Process { t.Error("looked for"); return Process{} },
		Holds:   func(int, string, uint64, uint64) bool { t.Error("looked for what it has open"); return false },
	})
	g.granted.add(g.granted.begin(), Process{1, 1}, policy.ClassPathRead, "/etc/passwd")
	g.granted.opened(Process{1, 1}, policy.ClassPathRead, "/etc/passwd")
	for name, want := range map[string]syscall.Errno{"/usr/bin": 0, "/srv": syscall.EACCES} {
		if code := g.permit(nil, 5, policy.ClassPathRead, "stat", name); code != want {
			t.Errorf("%s: %v", name, code)
		}
	}
}
