package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// Who has no screen open is told at the run's own terminal that a program is held: it says
// nothing of that itself. Never over a program that draws.
func TestTheRunsTerminalSaysWhatIsHeld(t *testing.T) {
	t.Parallel()
	p, _ := askerFor(t, "path.read", "")
	file := func(name string) string { return filepath.Join(p.home, "projects", name) }
	window := p.open("agent", 220, 20, "agent", "run", "coder", "--", "sh", "-c",
		"cat ~/projects/one; stty -icanon; cat ~/projects/two; stty icanon; cat ~/projects/three ~/projects/four; echo over; read end")
	window.shows("openclaw: cat is held: 'open "+file("one")+"' waits for your answer", "'openclaw asks'", "without one it is denied")
	p.says("allow", p.waits("open", file("one")).ID)
	window.shows("this is one")
	p.says("allow", p.waits("open", file("two")).ID)
	window.shows("this is two")
	window.shows("'open " + file("three") + "' waits")
	p.says("deny", p.waits("open", file("three")).ID)
	window.shows("'open " + file("four") + "' waits") // the one before stands for nothing any more
	p.says("allow", p.waits("open", file("four")).ID)
	window.shows("this is four", "over")
	seen := window.text()
	window.keys("Enter")
	p.eventually("the run's end", func() bool { return !p.newestRun("coder").Ended.IsZero() })
	if strings.Contains(seen, "two' waits") {
		t.Errorf("a line stands over what draws:\n%s", seen)
	}
}
