package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"openclaw/gateway/event"
)

// withPanes makes a person whose panes are known from those of every other test, by a
// name of the program that only they have, and end with the test: a pane's supervisor
// outlives its screen and its gateway on purpose.
func withPanes(t *testing.T) *person {
	t.Helper()
	p := newPerson(t)
	own := filepath.Join(p.home, "openclaw")
	if err := os.Link(p.binary, own); err != nil {
		t.Fatal(err)
	}
	p.binary = own
	t.Cleanup(func() { p.killPanes() })
	return p
}

// killPanes kills the supervisors of this person's panes.
func (p *person) killPanes() (killed int) {
	all, _ := processes(p.t)
	for id, one := range all {
		if strings.HasPrefix(one.line, p.binary+" agent run --"+paneFlag) && syscall.Kill(id, syscall.SIGKILL) == nil {
			killed++
		}
	}
	return killed
}

// The terminal of a run that goes on without one is shown on a plain terminal, whose
// keys go to it; leaving ends nothing, and what ends says how. A run without such a
// terminal is refused, with what shows it instead.
func TestAPlainTerminalAttachesToARun(t *testing.T) {
	t.Parallel()
	requireCage(t)
	p := withPanes(t)
	p.configure("agents:\n  coder:\n    permissions: {execute_commands: true, system_commands: true}\n")
	p.gateway()
	said := p.openclaw("agent", "run", "--detach", "--terminal", "coder", "--", "bash", "--norc", "--noprofile")
	if said.code != 0 {
		t.Fatal(said)
	}
	var run event.Run
	p.eventually("the run", func() bool {
		rows := p.runs("coder")
		if len(rows) == 1 {
			run = rows[0]
		}
		return len(rows) == 1 && run.Terminal == event.InPane
	})
	if !strings.Contains(said.out, "openclaw agent attach "+run.ID) {
		t.Errorf("it does not say how to see it: %q", said.out)
	}
	if r := p.openclaw("agent", "attach", run.ID); r.code != exitUsage || !strings.Contains(r.errors, "needs a terminal") {
		t.Errorf("without a terminal: %+v", r)
	}

	line := p.binary + " agent attach " + run.ID
	below := *p
	below.binary = "bash" // the terminal as it is left is looked at, too
	s := below.open("attach", 90, 20, "--norc", "--noprofile")
	s.types("PS1='own> '; clear; " + line)
	s.keys("Enter")
	s.shows("keys go to coder; ctrl+] leaves", "run "+run.ID)
	s.types("printf '\\033]0;STOLEN\\007ready-%d\\n' $((40+2)); stty size")
	s.keys("Enter")
	s.shows("ready-42", "19 90")
	s.types("eco word")
	s.keys("Home", "Right", "Right") // sequences arrive as they are
	s.types("h")
	s.keys("End")
	s.types("$((6*7))")
	s.keys("Enter")
	s.shows("word42")
	s.keys("C-]")
	s.shows("own>", "of coder goes on")
	if text := s.text(); strings.Contains(text, "word42") {
		t.Errorf("the terminal is not as it was:\n%s", text)
	}
	if title := p.windows.says(t, "display-message", "-p", "-t", "attach", "#{pane_title}"); strings.Contains(title, "STOLEN") {
		t.Errorf("the program reaches the person's own terminal: %q", title)
	}
	s.types(line)
	s.keys("Enter")
	s.shows("keys go to coder", "word42")
	s.types("exit 3")
	s.keys("Enter")
	s.shows("own>", "run "+run.ID+" of coder ended: exit 3")

	for _, c := range [][2]string{{run.ID, "has ended"}, {"nobody", "there is no run nobody"}} {
		s.types("clear; " + p.binary + " agent attach " + c[0])
		s.keys("Enter")
		s.shows(c[1], "own>")
	}
	if said = p.openclaw("agent", "run", "--detach", "coder", "--", "sleep", "1002"); said.code != 0 {
		t.Fatal(said)
	}
	kept := strings.Fields(said.out)[1]
	s.types("clear; " + p.binary + " agent attach " + kept)
	s.keys("Enter")
	s.shows("has no terminal", "agent output --follow", "own>")
	if r := p.openclaw("agent", "stop", "--kill", kept); r.code != 0 {
		t.Error(r)
	}
}

// r in a pane ends the run and starts its command again, and the pane shows the new one.
func TestARunInAPaneIsStartedAgainFromThere(t *testing.T) {
	t.Parallel()
	requireCage(t)
	p := withPanes(t)
	p.configure("agents:\n  coder:\n    permissions: {execute_commands: true, system_commands: true}\n")
	s := p.open("pane", 100, 30, "tui")
	s.shows("agents 0/1")
	s.keys("4")
	s.shows("› coder")
	s.keys("l")
	s.shows("start coder:")
	s.types("bash --norc --noprofile")
	s.keys("Enter")
	s.shows("keys go to coder")
	s.types("x=first; echo $x-$((6*7))")
	s.keys("Enter")
	s.shows("first-42")
	first := p.runs("coder")[0].ID
	s.keys("C-]")
	s.shows("the keys are this screen's again")
	s.keys("r")
	s.shows("End run " + first)
	s.keys("y")
	p.eventually("a new run", func() bool {
		rows := p.runs("coder")
		return len(rows) == 2 && !rows[0].Ended.IsZero() && rows[1].Ended.IsZero()
	})
	second := p.runs("coder")[1].ID
	s.shows("run "+second, "keys go to coder")
	s.types("echo ${x:-anew}-$((6*7))")
	s.keys("Enter")
	s.shows("anew-42")
}
