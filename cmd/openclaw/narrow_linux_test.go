package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// narrowed runs a command under a policy that then closes a folder which is
// bound natively.
func narrowed(t *testing.T, onNarrow, script string) (*person, *child) {
	t.Helper()
	requireCage(t)
	p := newPerson(t)
	port := p.configure("")
	configure := func(permissions string) {
		write(t, p.configFile(), fmt.Sprintf("gateway:\n  port: %d\nagents:\n  coder:\n    permissions:\n      on_narrow: %s\n%s", port, onNarrow, permissions))
	}
	configure("      allowed_paths: [~/projects]\n")
	p.gateway()
	c := p.spawn(nil, nil, "agent", "run", "coder", "--", "sh", "-c", "cd ~/.openclaw/agents/coder; "+script)
	ready := filepath.Join(p.home, ".openclaw", "agents", "coder", "ready")
	p.eventually("the command", func() bool { _, err := os.Stat(ready); return err == nil })
	configure("      allowed_paths: []\n")
	return p, c
}

// By default a run that cannot be narrowed goes on, and is shown wherever
// somebody may look.
func TestANarrowerPolicyFlagsTheRun(t *testing.T) {
	t.Parallel()
	p, c := narrowed(t, "flag", "touch ready; while [ ! -e stop ]; do sleep 0.1; done; cat ~/projects/demo/read.me")
	open := filepath.Join(p.home, "projects") + ": refused; still writable in this run"
	p.eventually("the flag", func() bool {
		runs := p.runs("coder")
		return len(runs) == 1 && strings.Join(runs[0].StillOpen, "") == open
	})
	list := p.openclaw("agent", "list")
	if !strings.Contains(list.out, "1 running, 1 needs a new run") || !strings.Contains(list.errors, open) || !strings.Contains(list.errors, "on_narrow: stop") {
		t.Errorf("agent list: %+v", list)
	}
	var rows []struct {
		Name string
		Runs []runRow
	}
	if err := json.Unmarshal([]byte(p.says("agent", "list", "--json")), &rows); err != nil || len(rows) != 1 || len(rows[0].Runs) != 1 || rows[0].Runs[0].StillOpen[0] != open {
		t.Errorf("%v %+v", err, rows)
	}
	if denials := p.openclaw("denials"); !strings.Contains(denials.errors, open) {
		t.Errorf("denials: %+v", denials)
	}
	if denials := p.openclaw("denials", "--json"); !json.Valid([]byte(denials.out)) || !strings.Contains(denials.errors, open) {
		t.Errorf("denials --json: %+v", denials)
	}
	if show := p.says("agent", "show", "coder"); !strings.Contains(show, "on_narrow: flag") {
		t.Errorf("agent show: %s", show)
	}
	write(t, filepath.Join(p.home, ".openclaw", "agents", "coder", "stop"), "")
	if code := c.wait(); code != 0 || !strings.Contains(c.errors(), "on_narrow: flag") || !strings.Contains(c.errors(), open) {
		t.Errorf("it ended with %d: %s", code, c.errors())
	}
	if said := p.openclaw("agent", "run", "coder", "--", "cat", filepath.Join(p.home, "projects/demo/read.me")); said.code == 0 {
		t.Errorf("the next run: %+v", said)
	}
}

// Where the config says so the run ends: the command is asked to, and a command
// that does not listen is killed.
func TestANarrowerPolicyStopsTheRun(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		script string
		code   int
	}{
		"a command that listens":   {"touch ready; while :; do sleep 0.1; done", 143},
		"one that does not listen": {"trap 'touch asked' TERM; touch ready; while :; do sleep 0.1; done", 137},
		"one that ends in order":   {"trap 'exit 7' TERM; touch ready; while :; do sleep 0.1; done", 7},
	} {
		t.Run(name, func(t *testing.T) {
			p, c := narrowed(t, "stop", test.script)
			code := c.wait()
			if code != test.code || !strings.Contains(c.errors(), "the run was ended: on_narrow: stop (config.yaml:6)") || !strings.Contains(c.errors(), "projects: refused; still writable") {
				t.Errorf("it ended with %d: %s", code, c.errors())
			}
			if _, err := os.Stat(filepath.Join(p.home, ".openclaw", "agents", "coder", "asked")); (err == nil) != (test.code == 137) {
				t.Errorf("whether it was asked: %v", err)
			}
			p.eventually("the end in the record", func() bool {
				return strings.Contains(p.says("audit", "search", "--event", "run_end", "--since", "1h", "--json"), "stopped: on_narrow: stop (config.yaml:6)")
			})
			if runs := p.runs("coder"); len(runs) != 1 || !strings.HasPrefix(runs[0].Exit, "stopped: on_narrow") {
				t.Errorf("%+v", runs)
			}
		})
	}
}

// What a cage can close at once ends no run, and neither does what opens.
func TestAPolicyThatReachesTheCageStopsNothing(t *testing.T) {
	t.Parallel()
	requireCage(t)
	p := newPerson(t)
	port := p.configure("")
	configure := func(permissions string) {
		write(t, p.configFile(), fmt.Sprintf("gateway:\n  port: %d\nagents:\n  coder:\n    permissions:\n      on_narrow: stop\n%s", port, permissions))
	}
	configure("      network: {allowed_domains: [one.example, two.example]}\n")
	p.gateway()
	c := p.cage("coder")
	resolves := func() string {
		return c.do("for n in one two; do getent hosts $n.example >/dev/null && echo $n; done; cat ~/projects/demo/read.me 2>/dev/null")
	}
	if said := resolves(); said != "one\ntwo" {
		t.Fatalf("it said %q", said)
	}
	configure("      network: {allowed_domains: [one.example]}\n      allowed_paths: [~/projects]\n")
	p.eventually("the narrower network and the wider files", func() bool { return resolves() == "one\na demo" })
	configure("      network: {allowed_domains: [one.example]}\n")
	p.eventually("the gate's closing", func() bool { return resolves() == "one" })
	if code := c.leave(0); code != 0 {
		t.Errorf("it ended with %d: %s", code, c.errors())
	}
}
