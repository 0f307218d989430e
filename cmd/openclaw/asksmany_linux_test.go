package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/event"
)

// A program that asks for two hundred things at once gets twenty asks, and
// leaves nothing open.
func TestTwoHundredAsks(t *testing.T) {
	t.Parallel()
	p, c := watchedAsker(t, "")
	for n := range 200 {
		write(t, filepath.Join(p.home, "projects", fmt.Sprint("n", n)), "x\n")
	}
	// The first read makes what all later ones use.
	c.tell("cat ~/projects/one")
	p.says("allow", p.waits("open", filepath.Join(p.home, "projects", "one")).ID)
	c.do(":")
	before := p.atRest(c)
	c.tell("for i in $(seq 0 199); do cat ~/projects/n$i & done; wait")
	p.eventually("the asks", func() bool { return len(p.asks()) == 19 })
	p.eventually("the refusal of the rest", func() bool {
		rows := p.asks("--all")
		i := slices.IndexFunc(rows, func(a event.Ask) bool { return a.State == event.AskLimited })
		return i >= 0 && rows[i].Count == 181
	})
	rows := p.asks()
	for _, row := range rows[:10] {
		p.says("deny", row.ID)
	}
	for _, row := range rows[10:] {
		p.says("allow", row.ID)
	}
	said := c.do(":")
	if denied, read := strings.Count(said, "Permission denied"), strings.Count(said, "x\n")+strings.Count(said+"\n", "\nx\n"); denied != 191 || read == 0 {
		t.Errorf("%d were denied, %d read", denied, read)
	}
	holdsNoMore(t, "the supervisor", c.pid(), before, 18) // nine were let through
	if n := len(p.approvals()); n != 20 {
		t.Errorf("%d answers are recorded", n)
	}
}

// descriptors counts what a process holds, by kind.
func descriptors(t *testing.T, pid int) map[string]int {
	t.Helper()
	names, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, name := range names {
		what, _ := os.Readlink(name)
		kind, _, _ := strings.Cut(what, ":")
		if strings.Contains(what, "[pidfd]") {
			kind = "pidfd"
		}
		kinds[kind]++
	}
	return kinds
}

// atRest is what the supervisor holds when all that it did for programs which have ended
// is over: it gives back their files and the descriptors of their processes a moment
// later, and would be compared with what it never holds again.
func (p *person) atRest(c *caged) (kinds map[string]int) {
	p.t.Helper()
	soFar := ""
	p.eventually("a supervisor at rest", func() bool {
		kinds = descriptors(p.t, c.pid())
		for kind := range kinds {
			if strings.HasPrefix(kind, filepath.Join(p.home, "projects")) {
				return false // a file that was asked for
			}
		}
		infos, err := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", c.pid()))
		if err != nil {
			p.t.Fatal(err)
		}
		for _, name := range infos {
			if text, _ := os.ReadFile(name); strings.Contains(string(text), "\nPid:\t-1\n") { // of a process that has ended
				return false
			}
		}
		now := fmt.Sprint(kinds)
		same := now == soFar
		soFar = now
		return same
	})
	return kinds
}

// holdsNoMore waits until a process holds, of each kind, no more than it did before:
// fewer is right too, since a connection of the commands before may have ended
// meanwhile. Pipes are a pool of the file system's library, two for each read that
// ran at the same time as others: so many more may stay.
func holdsNoMore(t *testing.T, what string, pid int, before map[string]int, pipes int) {
	t.Helper()
	var now map[string]int
	more := func() bool {
		for kind, n := range now {
			if kind == "pipe" {
				n -= pipes
			}
			if n > before[kind] {
				return true
			}
		}
		return false
	}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if now = descriptors(t, pid); !more() {
			return
		}
	}
	t.Errorf("%s held %v and holds %v", what, before, now)
}

// A thousand programs that wait at once for one answer all get it; when the
// gateway dies instead, all are refused. Either way nothing stays behind in the
// supervisor or the gateway.
func TestAThousandAsksAtOnce(t *testing.T) {
	t.Parallel()
	p, c := watchedAsker(t, "      ask_timeout: 5m\n")
	file := func(name string) string { return filepath.Join(p.home, "projects", name) }
	const many = 1000
	// The first read makes what all later ones use.
	c.tell("cat ~/projects/three")
	p.says("allow", p.waits("open", file("three")).ID)
	c.do(":")
	before, gatewayBefore := p.atRest(c), descriptors(t, p.gatewayPID())
	all := fmt.Sprintf("n=0; while [ $n -lt %d ]; do (true < ~/projects/NAME) 2>/dev/null && echo y || echo n & n=$((n+1)); done; wait", many)
	hold := func(name string) {
		t.Helper()
		c.tell(strings.Replace(all, "NAME", name, 1))
		p.waits("open", file(name))
		p.eventually("a thousand that wait", func() bool { return descriptors(t, c.pid())["pidfd"]-before["pidfd"] == many })
	}
	hold("one")
	// A yes is to those that the person was shown.
	p.eventually("a row of a thousand", func() bool { rows := p.asks(); return len(rows) == 1 && rows[0].Count == many })
	p.says("allow", p.asks()[0].ID)
	if said := c.do(":"); strings.Count(said, "y") != many {
		t.Errorf("%d of %d were let through", strings.Count(said, "y"), many)
	}
	holdsNoMore(t, "the supervisor", c.pid(), before, 2*many)
	holdsNoMore(t, "the gateway", p.gatewayPID(), gatewayBefore, 0)

	hold("two")
	gateway, err := os.FindProcess(p.gatewayPID())
	if err != nil {
		t.Fatal(err)
	}
	_ = gateway.Kill()
	if said := c.do(":"); strings.Count(said, "n") != many {
		t.Errorf("%d of %d were refused", strings.Count(said, "n"), many)
	}
	p.eventually("the end of all that waited", func() bool { return descriptors(t, c.pid())["pidfd"] == before["pidfd"] })
}
