//go:build linux

package gate

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"openclaw/sandbox/policy"
)

// A yes is about one path, for a moment, and for what was opened with it.
func TestGrants(t *testing.T) {
	const read, change = policy.ClassPathRead, policy.ClassPathWrite
	now := time.Unix(1, 0)
	g := newGrants()
	g.now = func() time.Time { return now }
	type state struct{ fresh, seen bool }
	check := func(what string, class policy.Class, name string, want state) {
		t.Helper()
		if got := (state{g.fresh(class, name), g.seen(class, name)}); got != want {
			t.Errorf("%s: %s %s is %+v", what, class, name, got)
		}
	}
	check("nothing said", read, "/a", state{})
	g.add(read, "/a")
	check("said yes", read, "/a", state{true, true})
	check("read is not write", change, "/a", state{})
	check("an entry may be looked at", read, "/a/b", state{false, true})
	check("not what is deeper", read, "/a/b/c", state{})
	check("not beside it", read, "/ab", state{})
	g.opened(read, "/a")
	now = now.Add(grantTime)
	check("later, open", read, "/a", state{false, true})
	g.closed("/a")
	check("later, closed", read, "/a", state{})
	g.add(change, "/w")
	check("write is read too", read, "/w", state{true, true})
	check("an entry may not be changed", change, "/w/x", state{})
	now = now.Add(grantTime)
	g.add(read, "/w")
	check("an old yes to write is over", change, "/w", state{})
	for n := range 3 * maxGrants {
		g.add(read, fmt.Sprint("/n", n))
		now = now.Add(time.Second)
	}
	if len(g.paths) > maxGrants {
		t.Errorf("%d are kept", len(g.paths))
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
			if code != 0 || len(told) != 0 || !g.granted.fresh(policy.ClassPathWrite, name) {
				t.Errorf("a yes in time: %v, %+v", code, told)
			}
			continue
		}
		if code != syscall.EACCES || len(told) != 1 || told[0].Decision.Rule != "denied_paths: /srv/data" {
			t.Errorf("a yes that was too late: %v, %+v", code, told)
		}
		if g.granted.fresh(policy.ClassPathWrite, name) {
			t.Error("it is remembered")
		}
	}
}
