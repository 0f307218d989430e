package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A person at a terminal is told of a link that is not followed, before the command
// draws; what shows the policy, the run's report and both screens say it in the same words.
func TestALinkOfAnotherAgentIsToldEverywhereInTheSameWords(t *testing.T) {
	t.Parallel()
	requireCage(t)
	p := newPerson(t)
	p.configure("agents:\n  builder: {permissions: {allowed_paths: [~/projects]}}\n  reader: {permissions: {allowed_paths: [{path: ~/projects/out, access: read}]}}\n")
	if err := os.Symlink("../.ssh", filepath.Join(p.home, "projects", "out")); err != nil {
		t.Fatal(err)
	}
	p.gateway()
	words := filepath.Join(p.home, "projects", "out") + " is not opened: it is a link that agent builder can change; allow where it leads, if that is meant"
	if shown := p.says("agent", "show", "reader"); !strings.Contains(shown, "  "+words+" (config.yaml:") {
		t.Errorf("shown:\n%s", shown)
	}
	run := p.open("run", 250, 50, "agent", "run", "reader", "--", "sh", "-c", "echo drawn; exec sleep 600")
	run.shows("drawn")
	begins := "openclaw: it begins in " + filepath.Join(p.home, ".openclaw", "agents", "reader") + ": the agent may not read the folder that you stand in\n"
	if text := run.text(); !strings.HasPrefix(text, begins+"openclaw: "+words+"\ndrawn\n") {
		t.Errorf("the terminal shows\n%s", text)
	}
	p.eventually("the report", func() bool {
		runs := p.runs("reader")
		return len(runs) == 1 && slices.Contains(runs[0].Warnings, words)
	})
	if plain := p.given("agents reader\nquit\n", "tui", "--plain").out; !strings.Contains(plain, words) {
		t.Errorf("the plain screen:\n%s", plain)
	}
	screen := p.open("screen", 300, 50, "tui")
	screen.shows("1 Overview")
	screen.keys("4")
	screen.shows("builder", "reader")
	screen.keys("Down")
	screen.shows(words)
}
