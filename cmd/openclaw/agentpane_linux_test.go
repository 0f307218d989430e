package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"openclaw/gateway/event"
)

// A command that is started live has a terminal of its own in a pane: keys reach
// it, ctrl+c and the window's size too, and what it writes to the terminal beyond
// cells goes nowhere. A screen that is killed ends nothing: the next one shows what
// stands there and types to it.
func TestARunHasATerminalInAPane(t *testing.T) {
	t.Parallel()
	requireCage(t)
	p := withPanes(t)
	p.configure("agents:\n  coder:\n    permissions: {execute_commands: true, system_commands: true}\n")
	s := p.open("pane", 100, 30, "tui")
	s.shows("agents 0/1")
	s.keys("4")
	s.shows("› coder")
	s.keys("l")
	s.shows("start coder:", "in a terminal here")
	s.types("bash --norc --noprofile") // dash cannot give a terminal back that was not one of its cage
	s.keys("Enter")
	s.shows("keys go to coder; ctrl+] leaves")
	s.types("printf '\\033]0;STOLEN\\007\\033]52;c;U1RPTEVO\\007\\033[?1000h\\033[31mready-%d\\n' $((40+2)); stty size")
	s.keys("Enter")
	s.shows("ready-42", "25 100")
	if title := p.windows.says(t, "display-message", "-p", "-t", "pane", "#{pane_title} #{mouse_any_flag}"); strings.Contains(title, "STOLEN") || !strings.HasSuffix(strings.TrimSpace(title), " 0") {
		t.Errorf("the program reaches the person's own terminal: %q", title)
	}
	if buffers := p.windows.says(t, "list-buffers"); strings.Contains(buffers, "STOLEN") {
		t.Errorf("the program reaches the clipboard: %q", buffers)
	}
	s.types("sleep 1000.125; echo slept-$?")
	s.keys("Enter")
	s.shows("sleep 1000.125;")
	p.eventually("the command at the foreground", func() bool {
		all, _ := processes(t)
		for _, one := range all {
			if strings.HasPrefix(one.line, "sleep 1000.125") {
				return true
			}
		}
		return false
	})
	s.keys("C-c")
	s.shows("^C")
	s.types("echo and-$((50+1))")
	s.keys("Enter")
	s.shows("and-51")

	pid := s.pane()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.eventually("the end of the screen", func() bool { return !s.open() })
	again := p.open("again", 80, 24, "tui")
	again.shows("agents 1/1")
	again.keys("4")
	again.shows("› coder", "terminal  its own")
	again.keys("o")
	again.shows("keys go to coder", "and-51")
	again.types("stty size; exit 3")
	again.keys("Enter")
	again.shows("19 80", "ended, exit 3")
	p.eventually("the end of the run", func() bool {
		rows := p.runs("coder")
		return len(rows) == 1 && rows[0].Terminal == event.InPane && rows[0].Exit == "exit 3"
	})
	sockets := func() int {
		left, err := filepath.Glob(filepath.Join(p.home, ".openclaw", "run", "pane-*"))
		if err != nil {
			t.Fatal(err)
		}
		return len(left)
	}
	p.eventually("the end of its socket", func() bool { return sockets() == 0 })

	// What cannot be started says so, and leaves nothing.
	again.keys("Escape")
	again.shows("› coder")
	again.keys("l", "C-u")
	again.types("no-such-program")
	again.keys("Enter")
	again.shows("not started:", "no-such-program")
	if _, err := os.Stat(filepath.Join(p.home, ".openclaw", "logs", "runs")); err == nil {
		t.Error("what a program writes to its terminal is kept in a file")
	}

	// A supervisor that is killed leaves no socket either.
	again.shows("› coder")
	again.keys("l", "C-u")
	again.types("sleep 1001")
	again.keys("Enter")
	again.shows("keys go to coder")
	if sockets() != 1 || p.killPanes() != 1 {
		t.Errorf("%d sockets", sockets())
	}
	p.eventually("the end of the socket of a killed supervisor", func() bool { return sockets() == 0 })
}
