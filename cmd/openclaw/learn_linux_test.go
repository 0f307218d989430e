package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// errand is a program that reads, lists, writes, replaces, makes folders, runs
// a program and connects.
const errand = `set -e
cat ~/projects/one ~/projects/demo/* >/dev/null || true
ls -l ~/documents >/dev/null
~/tools/tool.sh
echo more >> ~/notes/list.txt
echo "$$" > ~/state/.new.$$
mv ~/state/.new.$$ ~/state/current
mkdir -p ~/made/deep
echo x > ~/made/deep/file
curl -sS -m 10 http://asked.invalid:8080/ 2>/dev/null || true
cat ~/.ssh/id_ed25519 2>/dev/null || true
cat ~/projects/.env 2>/dev/null || true
echo the errand is done
`

func newErrand(t *testing.T) *person {
	t.Helper()
	return newErrandUnder(t, "agents:\n  # this one works for me\n  coder: {} # yet\n")
}

func newErrandUnder(t *testing.T, config string) *person {
	t.Helper()
	requireCage(t)
	p := newPerson(t)
	p.configure(config)
	for _, dir := range []string{"tools", "notes", "state", "documents"} {
		if err := os.MkdirAll(filepath.Join(p.home, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{
		"projects/one": "1\n", "projects/demo/a": "a\n", "projects/demo/b": "b\n", "projects/demo/c": "c\n", "projects/demo/d.key": "the key\n",
		"projects/.env": "PASSWORD=x\n", "notes/list.txt": "one\n", "documents/letter": "dear\n", "tools/tool.sh": "#!/bin/sh\necho the tool ran\n",
	} {
		write(t, filepath.Join(p.home, name), text)
	}
	if err := os.Chmod(filepath.Join(p.home, "tools/tool.sh"), 0o700); err != nil {
		t.Fatal(err)
	}
	p.gateway()
	return p
}

func (p *person) config() string {
	p.t.Helper()
	text, err := os.ReadFile(p.configFile())
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

// What a program needs is learned once: the proposal is narrow, the program runs
// under it, and a second run has nothing to add.
func TestLearningReachesAFixedPoint(t *testing.T) {
	t.Parallel()
	p := newErrand(t)
	before := p.config()
	said := p.openclaw("agent", "learn", "coder", "--", "sh", "-c", errand)
	if said.code != 0 || !strings.Contains(said.out, "the tool ran\n") || !strings.Contains(said.out, "the errand is done\n") {
		t.Fatalf("%+v", said)
	}
	if !strings.Contains(said.errors, "agent coder learns: this command may read") {
		t.Errorf("it did not say what is open: %s", said.errors)
	}
	for _, want := range []string{
		"+      allowed_paths:", "+        - {path: ~/documents, access: read}\n", "+        - ~/made\n", "+        - ~/notes/list.txt\n",
		"+        - {path: ~/projects/demo, access: read}\n", "+        - {path: ~/projects/one, access: read}\n", "+        - ~/state\n",
		"+        - {path: ~/tools/tool.sh, access: read}\n", "+        - ~/projects/demo/d.key\n", "+          - asked.invalid:8080\n",
		"open ~/.ssh/id_ed25519: built-in: SSH keys", "looks secret", "  ~/projects/.env\n", "--write",
	} {
		if !strings.Contains(said.out, want) {
			t.Errorf("the proposal lacks %q:\n%s", want, said.out)
		}
	}
	if strings.Count(said.out, "access: read}\n")+strings.Count(said.out, "+        - ~/") != 8 {
		t.Errorf("the proposal is wider:\n%s", said.out)
	}
	if p.config() != before {
		t.Error("the config was written without a yes")
	}
	p.wasAudited()

	said = p.openclaw("agent", "learn", "coder", "--write", "--", "sh", "-c", errand)
	after := p.config()
	if said.code != 0 || !strings.Contains(after, "# this one works for me") || !strings.Contains(after, "- ~/state\n") {
		t.Fatalf("%+v\n%s", said, after)
	}
	p.says("config", "validate")
	// Under the policy the program does the same, and what was in the way of a
	// secret still is.
	p.eventually("the policy in force", func() bool {
		said = p.openclaw("agent", "run", "coder", "--", "sh", "-c", errand)
		return said.code == 0 && strings.Contains(said.out, "the tool ran\n") && strings.Contains(said.out, "the errand is done\n")
	})
	if key := p.openclaw("agent", "run", "coder", "--", "sh", "-c", "cat ~/projects/demo/d.key"); key.code == 0 {
		t.Errorf("%+v", key)
	}
	said = p.openclaw("agent", "learn", "coder", "--write", "--", "sh", "-c", errand)
	if said.code != 0 || !strings.Contains(said.out, "there is nothing to add to the policy") || p.config() != after {
		t.Errorf("%+v", said)
	}
}

// wasAudited: the run is marked, and each access is on record.
func (p *person) wasAudited() {
	p.t.Helper()
	if starts := p.says("audit", "search", "--event", "run_start", "--since", "1h", "--json"); !strings.Contains(starts, `"learn":true`) {
		p.t.Errorf("the run is not marked: %s", starts)
	}
	learned := p.says("audit", "search", "--event", "learn", "--since", "1h", "--json")
	for _, want := range []string{"projects/one", "asked.invalid:8080", "notes/list.txt", "tools/tool.sh", "not in allowed_paths"} {
		if !strings.Contains(learned, want) {
			p.t.Errorf("%s is not on record: %s", want, learned)
		}
	}
	if strings.Contains(learned, `id_ed25519","`) {
		p.t.Error("what was refused is on record as let through")
	}
	if n := strings.Count(learned, `"path":"`+filepath.Join(p.home, "projects/one")+`"`); n < 1 || n > 3 {
		p.t.Errorf("one access is on record %d times", n)
	}
}

// What the agent's own config denies is denied to a run that learns as well.
func TestLearningLiftsNoRule(t *testing.T) {
	t.Parallel()
	p := newErrandUnder(t, "agents:\n  coder:\n    permissions:\n      denied_paths: [~/projects/one]\n      allowed_paths: [{path: ~/notes, access: read}]\n"+
		"      network_access: false\n")
	var got learned
	said := p.openclaw("agent", "learn", "coder", "--json", "--", "sh", "-c",
		"cat ~/projects/one; echo x >> ~/notes/list.txt; cat ~/.ssh/id_ed25519; curl -sS -m 5 http://asked.invalid/; echo x > ~/.openclaw/config.yaml; cat ~/projects/demo/a; exit 7")
	if said.code != 7 {
		t.Errorf("the status is %d", said.code)
	}
	if err := json.Unmarshal([]byte(said.out), &got); err != nil {
		t.Fatalf("%v: %s", err, said.out)
	}
	if len(got.Proposal.Paths) != 1 || got.Proposal.Paths[0].Path != filepath.Join(p.home, "projects/demo/a") || got.Written || got.Proposal.Domains != nil {
		t.Errorf("%+v", got)
	}
	refused := map[string]bool{}
	for _, r := range got.Refused {
		refused[strings.TrimPrefix(r.Target, p.home+"/")] = true
	}
	for _, want := range []string{"projects/one", "notes/list.txt", ".ssh/id_ed25519", ".openclaw/config.yaml"} {
		if !refused[want] {
			t.Errorf("%s was not refused: %v", want, refused)
		}
	}
	if !strings.Contains(said.errors, "a\n") || !strings.Contains(said.errors, "reach no name or address beyond its policy") {
		t.Errorf("standard error: %s", said.errors)
	}
}

// At a terminal the person is asked; Ctrl-C ends the command and not the
// proposal.
func TestLearningAsksBeforeItWrites(t *testing.T) {
	t.Parallel()
	p := newErrand(t)
	before := p.config()
	write(t, filepath.Join(p.home, "projects", "one"), "what the first project holds\n")
	// No shell: it takes Ctrl-C for its program's, and goes on when that had just ended.
	first := p.open("first", 120, 40, "agent", "learn", "coder", "--", "cat", filepath.Join(p.home, "projects", "one"), "-")
	p.eventually("the run", func() bool {
		runs := p.runs("coder")
		return len(runs) == 1 && runs[0].Learning
	})
	p.eventually("the access", func() bool { return strings.Contains(first.text(), "what the first project holds") })
	first.keys("C-c")
	first.shows("{path: ~/projects/one, access: read}", "[y/N]")
	first.keys("Enter")
	p.eventually("the end", func() bool { return !first.open() })
	if p.config() != before {
		t.Error("it was written without a yes")
	}
	second := p.open("second", 120, 40, "agent", "learn", "coder", "--", "sh", "-c", "cat ~/projects/one")
	second.shows("[y/N]")
	second.keys("y", "Enter")
	p.eventually("the line", func() bool { return strings.Contains(p.config(), "{path: ~/projects/one, access: read}") })
}

// Without a gateway nothing is let through, because nothing is recorded; what
// was recorded before is still proposed.
func TestLearningEndsWithItsRecord(t *testing.T) {
	t.Parallel()
	p := newErrand(t)
	flag := filepath.Join(p.home, ".openclaw", "agents", "coder", "go")
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	c := p.spawn(nil, out, "agent", "learn", "coder", "--", "sh", "-c", "cat ~/projects/one; while [ ! -e go ]; do sleep 0.1; done; cat ~/projects/demo/a")
	p.eventually("the access", func() bool {
		return strings.Contains(p.says("audit", "search", "--event", "learn", "--since", "1h", "--json"), "projects/one")
	})
	gateway, err := os.FindProcess(p.gatewayPID())
	if err != nil {
		t.Fatal(err)
	}
	_ = gateway.Kill()
	p.eventually("the gateway's death", func() bool { _, err := p.dial(); return err != nil })
	write(t, flag, "")
	if code := c.wait(); code != 1 {
		t.Errorf("the command ended with %d", code)
	}
	text, err := os.ReadFile(out.Name())
	if err != nil || !strings.Contains(string(text), "~/projects/one") || strings.Contains(string(text), "+        - {path: ~/projects/demo") {
		t.Errorf("%v: %s", err, text)
	}
	if !strings.Contains(c.errors(), "ermission denied") {
		t.Errorf("it was let through: %s", c.errors())
	}
}

// A run that does not learn cannot be made to.
func TestOnlyALearningRunLearns(t *testing.T) {
	t.Parallel()
	p := newErrand(t)
	c := p.cage("coder")
	if said := c.do("cat ~/projects/one"); !strings.Contains(said, "ermission denied") {
		t.Errorf("it said %q", said)
	}
	if runs := p.runs("coder"); len(runs) != 1 || runs[0].Learning {
		t.Errorf("%+v", runs)
	}
	if code := c.leave(0); code != 0 {
		t.Errorf("it ended with %d", code)
	}
	for _, args := range [][]string{{"agent", "learn"}, {"agent", "learn", "coder", "true"}, {"agent", "learn", "coder", "--", "x", "--", "y", "--flag"}} {
		said := p.openclaw(args...)
		if want := map[int]int{2: exitUsage, 3: exitUsage}[len(args)]; want != 0 && said.code != want {
			t.Errorf("%q: %+v", args, said)
		}
	}
	if said := p.openclaw("agent", "learn", "nobody", "--", "true"); said.code != exitNotStarted || !strings.Contains(said.errors, "nobody") {
		t.Errorf("%+v", said)
	}
}
