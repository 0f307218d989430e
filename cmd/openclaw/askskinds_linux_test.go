package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A program and a connection are held as a file is.
func TestAnAskOfAProgramAndAConnection(t *testing.T) {
	t.Parallel()
	p, c := asker(t, "")
	script, binary := filepath.Join(p.home, "projects", "tool.sh"), filepath.Join(p.home, "projects", "tool")
	write(t, script, "#!/bin/sh\necho the tool ran: $1\n")
	program, err := os.ReadFile("/bin/echo")
	if err != nil {
		t.Fatal(err)
	}
	write(t, binary, string(program))
	for _, name := range []string{script, binary} {
		if err := os.Chmod(name, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	c.tell("~/projects/tool.sh yes")
	p.says("allow", p.waits("execve", script).ID)
	if said := c.do(":"); said != "the tool ran: yes" {
		t.Errorf("allowed, and it said %q; %+v", said, p.asks("--all"))
	}
	c.tell("~/projects/tool native")
	ask := p.waits("execve", binary)
	if always := p.openclaw("allow", ask.ID, "--scope", "always"); always.code != exitRefused || !strings.Contains(always.errors, "no list of allowed programs") {
		t.Errorf("%+v", always)
	}
	p.says("allow", ask.ID, "--scope", "run")
	if said := c.do("sleep 2.2; ~/projects/tool native"); said != "native\nnative" {
		t.Errorf("allowed, and it said %q; %+v", said, p.asks("--all"))
	}
	write(t, filepath.Join(p.home, "projects", "other.sh"), "#!/bin/sh\necho it ran\n")
	if err := os.Chmod(filepath.Join(p.home, "projects", "other.sh"), 0o700); err != nil {
		t.Fatal(err)
	}
	c.tell("~/projects/other.sh")
	p.says("deny", p.waits("execve", filepath.Join(p.home, "projects", "other.sh")).ID)
	if said := c.do(":"); !strings.Contains(said, "ermission denied") || strings.Contains(said, "it ran") {
		t.Errorf("denied, and it said %q", said)
	}

	c.tell("curl -sS -m 15 http://asked.invalid/; echo status $?")
	ask = p.waits("connect", "asked.invalid:80")
	if !slices.Equal(ask.Matches, []string{"exact", "host"}) {
		t.Errorf("%+v", ask)
	}
	p.says("deny", ask.ID)
	if said := c.do(":"); strings.Contains(said, "status 0") {
		t.Errorf("denied, and it said %q", said)
	}
	p.denied("asked.invalid:80", "ask: denied by you")
	// The name has no address; that it was looked for shows that it was let go.
	c.tell("curl -sS -m 15 http://asked.invalid:8080/; echo status $?")
	p.says("allow", p.waits("connect", "asked.invalid:8080").ID, "--scope", "always", "--match", "host")
	if said := c.do(":"); strings.Contains(said, "status 28") {
		t.Errorf("allowed, and it waited: %q", said)
	}
	if text, err := os.ReadFile(p.configFile()); err != nil || !strings.Contains(string(text), "allowed_domains: [other.example, asked.invalid]") {
		t.Errorf("the config: %s %v", text, err)
	}
	p.eventually("the rule in the cage", func() bool {
		said := c.do("curl -sS -m 5 http://asked.invalid:81/; echo status $?")
		return !strings.Contains(said, "status 28") && len(p.asks()) == 0
	})
}

// Writing is asked about where it is refused otherwise, and what was opened for
// writing stays writable.
func TestAnAskOfAWrite(t *testing.T) {
	t.Parallel()
	p, c := askerFor(t, "path.write", "")
	file := filepath.Join(p.home, "projects", "made")
	c.tell("{ echo begin; sleep 2.5; echo end; } > ~/projects/made; echo status $?")
	p.says("allow", p.waits("create", file).ID)
	if said := c.do(":"); said != "status 0" {
		t.Errorf("allowed, and it said %q", said)
	}
	if text, err := os.ReadFile(file); string(text) != "begin\nend\n" {
		t.Errorf("the file holds %q %v", text, err)
	}
	c.tell("rm -f ~/projects/made; echo status $?")
	p.says("deny", p.waits("unlink", file).ID)
	if said := c.do(":"); !strings.Contains(said, "status 1") {
		t.Errorf("denied, and it said %q", said)
	}
	if said := c.do("cat ~/projects/one"); !strings.Contains(said, "Permission denied") {
		t.Errorf("a read that is not asked about: %q", said)
	}
	c.tell("echo again >> ~/projects/made; echo status $?")
	if out := p.says("allow", p.waits("", file).ID, "--scope", "always"); !strings.Contains(out, "- ~/projects/made\n") {
		t.Errorf("allow: %s", out)
	}
	if said := c.do("cat ~/projects/made"); said != "status 0\nbegin\nend\nagain" {
		t.Errorf("allowed always, and it said %q", said)
	}
}

// The leave to run a program is enough to run it, and not enough to read it.
func TestAnAskOfAProgramAlone(t *testing.T) {
	t.Parallel()
	p, c := askerFor(t, "exec", "")
	binary := filepath.Join(p.home, "projects", "tool")
	program, err := os.ReadFile("/bin/echo")
	if err != nil {
		t.Fatal(err)
	}
	write(t, binary, string(program))
	if err := os.Chmod(binary, 0o700); err != nil {
		t.Fatal(err)
	}
	c.tell("~/projects/tool it ran")
	p.says("allow", p.waits("execve", binary).ID)
	if said := c.do(":"); said != "it ran" {
		t.Errorf("allowed, and it said %q; %+v", said, p.asks("--all"))
	}
	if said := c.do("cat ~/projects/tool | wc -c"); !strings.Contains(said, "Permission denied") {
		t.Errorf("it was read: %q", said)
	}
}
