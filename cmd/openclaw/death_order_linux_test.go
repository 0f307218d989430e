package main

import (
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"openclaw/gateway/wire"
)

// pane is the process of a terminal's window.
func (s *screen) pane() int {
	s.p.t.Helper()
	text, err := s.p.windows.client(s.p.t.Context(), "list-panes", "-t", s.window, "-F", "#{pane_pid}").Output()
	if err != nil {
		s.p.t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		s.p.t.Fatal(err)
	}
	return pid
}

// After kill -9 of the screen the gateway and the cages go on, and the person
// goes on in the same terminal.
func TestScreenKilled(t *testing.T) {
	t.Parallel()
	p, _, _ := mortal(t)
	shell := *p
	shell.binary, shell.environ = "bash", append(slices.Clone(p.environ), "PS1=person> ", "HISTFILE=/dev/null")
	terminal := shell.open("shell", 120, 36, "--norc", "--noprofile", "-i")
	terminal.shows("person>")
	terminal.types(p.binary + " tui")
	terminal.keys("Enter")
	terminal.shows("● running", "Needs you")
	gateway := p.gatewayPID() // started by the screen
	c := p.cage("coder")
	all, parent := processes(t)
	screen := 0
	for pid, one := range all {
		if parent[pid] == terminal.pane() && strings.HasPrefix(one.line, p.binary+" tui") {
			screen = pid
		}
	}
	if screen == 0 {
		t.Fatal("no screen below the shell")
	}
	if err := syscall.Kill(screen, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	terminal.shows("Killed")
	terminal.types("echo usable-$((6*7))")
	terminal.keys("Enter")
	terminal.shows("usable-42")
	if p.gatewayPID() != gateway || p.overview().PID != gateway {
		t.Error("the gateway did not go on")
	}
	c.refuses(p, "~/.ssh/id_ed25519", 1)
	if worked, said := c.callsModel(); !worked {
		t.Errorf("the model call: %s", said)
	}
	// The next screen in this terminal shows what happened meanwhile. What the killed one
	// left there goes first: it would be taken for the next one's.
	terminal.types("clear")
	terminal.keys("Enter")
	terminal.lacks("running")
	terminal.types(p.binary + " tui")
	terminal.keys("Enter")
	terminal.shows("● running", "Needs you")
	terminal.keys("3")
	terminal.shows("id_ed25519", "notes.txt")
	if code := c.leave(0); code != 0 {
		t.Errorf("the run ended with %d", code)
	}
}

// The three die in every order. Whatever is dead, what lives keeps its promise:
// the cage refuses, the gateway serves and knows, the screen says what it lost.
// Then everything starts anew, and no record is missing.
func TestDeathInEveryOrder(t *testing.T) {
	t.Parallel()
	for _, order := range [][3]string{
		{"gateway", "screen", "supervisor"}, {"gateway", "supervisor", "screen"}, {"screen", "gateway", "supervisor"},
		{"screen", "supervisor", "gateway"}, {"supervisor", "gateway", "screen"}, {"supervisor", "screen", "gateway"},
	} {
		t.Run(strings.Join(order[:], " "), func(t *testing.T) {
			t.Parallel()
			die(t, order)
		})
	}
}

func die(t *testing.T, order [3]string) {
	t.Helper()
	p, u, port := mortal(t)
	gateway := p.gateway()
	screen := p.open("screen", 120, 36, "tui")
	screen.shows("● running")
	c := p.cage("coder")
	key, token, before := filepath.Join(p.home, ".ssh", "id_ed25519"), c.token(), c.inside()
	run := p.runs("coder")[0].ID
	reads, kept := 0, 0
	dead := map[string]bool{}
	for _, victim := range order {
		switch victim {
		case "gateway":
			gateway.kill()
		case "screen":
			if err := syscall.Kill(screen.pane(), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			p.eventually("the screen's end", func() bool { return !screen.open() })
		case "supervisor":
			c.kill()
		}
		dead[victim] = true
		if !dead["supervisor"] {
			c.refuses(p, key, 2)
			reads += 2
			if dead["gateway"] { // what is refused is on disk a moment later
				kept += 2
				p.eventually("the spool", func() bool { return p.spooledReads(key) == kept })
			}
			if worked, said := c.callsModel(); worked == dead["gateway"] {
				t.Errorf("%v dead, and the model call says %s", dead, said)
			}
		} else {
			soon(t, "the death of the cage", func() bool { return len(c.survivors(before)) == 0 })
		}
		if !dead["gateway"] {
			if p.overview().PID != gateway.pid() {
				t.Error("another gateway answers")
			}
			p.eventually("the refusals", func() bool { return p.refusedReads(key) == reads })
			if dead["supervisor"] {
				soon(t, "the run's end", func() bool {
					runs := p.runs("coder")
					return len(runs) == 1 && runs[0].Exit == "lost"
				})
				if status, _ := p.post(port, "/v1/messages", token, nil); status != http.StatusUnauthorized {
					t.Errorf("the dead run's token gets %d", status)
				}
			}
		}
		if !dead["screen"] {
			if dead["gateway"] {
				screen.shows("gateway lost")
			} else {
				screen.shows("● running")
			}
			screen.keys("3")
			screen.shows("Denials")
		}
	}
	if left := p.mounts(); left != "" {
		t.Errorf("mounts are left:\n%s", left)
	}
	// Everything anew, with no hand laid on what lies there. The first to come
	// starts the gateway.
	next := p.cage("coder")
	next.refuses(p, key, 1)
	if worked, said := next.callsModel(); !worked {
		t.Errorf("the model call: %s", said)
	}
	if status, _ := p.post(port, "/v1/messages", token, nil); !opensNothing(status) {
		t.Errorf("the dead run's token gets %d at the new gateway", status)
	}
	if code := next.leave(0); code != 0 {
		t.Errorf("the new run ended with %d", code)
	}
	if u.keyless.Load() != 0 {
		t.Error("a call reached the provider without the key")
	}
	p.eventually("the last refusal", func() bool { return p.refusedReads(key) >= 1 })
	// What no gateway could be told, because there was none, is on record as well.
	p.eventually("the record of every refusal", func() bool { return p.auditedReads(key) >= reads+1 })
	if audited := p.auditedReads(key); audited != reads+1 {
		t.Errorf("the audit log counts %d refused reads of %d", audited, reads+1)
	}
	p.eventually("an empty spool", func() bool { return len(p.spooled()) == 0 })
	if ends := p.auditedEnds(run); ends != 1 {
		t.Errorf("the end of the killed run is %d times on record", ends)
	}
	p.noKeyInLogs(token, providerKey)
	var stopped map[string]any
	p.ask(wire.MethodGatewayStop, nil, &stopped)
	p.eventually("the gateway's end", func() bool { return p.gatewayPID() == 0 })
}
