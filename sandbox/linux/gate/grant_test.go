//go:build linux

package gate

import (
	"fmt"
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
