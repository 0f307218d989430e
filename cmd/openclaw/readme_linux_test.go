package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sourceRoot is the folder of the module, where README.md lies.
func sourceRoot(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	_, err = os.Stat(filepath.Join(root, "README.md"))
	required(t, err == nil, "the README is not here")
	_, err = exec.LookPath("go")
	required(t, err == nil, "Go is not installed")
	return root
}

// block is one fenced block of the README.
type block struct{ language, text string }

func readmeBlocks(text string) []block {
	var blocks []block
	parts := strings.Split(text, "```")
	for i := 1; i < len(parts); i += 2 {
		language, body, _ := strings.Cut(parts[i], "\n")
		blocks = append(blocks, block{language, body})
	}
	return blocks
}

// readmeJudge knows how a command of the README must end.
type readmeJudge struct {
	command string // the whole line
	code    int
	shows   []string // in its output or its errors
	run     func(*readmePerson)
}

// readmePerson is somebody who follows the README from its top.
type readmePerson struct {
	*person
	source string
}

func readmeJudges() []readmeJudge {
	return []readmeJudge{
		{command: "go run ./cmd/openclaw tui", run: (*readmePerson).firstScreen},
		{command: "go test ./...", run: (*readmePerson).testsAsCIDoes},
		{command: "CGO_ENABLED=0 go build -o ~/bin/openclaw ./cmd/openclaw", run: (*readmePerson).build},
		{command: `export PATH="$HOME/bin:$PATH"`, run: (*readmePerson).exportPath},
		{command: "openclaw secrets set anthropic --from-env ANTHROPIC_API_KEY", run: (*readmePerson).storeKey},
		{command: "openclaw secrets list", shows: []string{"anthropic", "stored"}},
		{command: "mkdir -p ~/projects/demo"},
		{command: "openclaw config validate", shows: []string{"is valid", "0 warning"}},
		{command: "openclaw agent show coder", shows: []string{"projects/demo", "config.yaml:", "proxy.golang.org"}},
		{command: "openclaw agent test coder read ~/.ssh/id_ed25519", code: exitRefused, shows: []string{"deny", "SSH keys"}},
		{
			command: "openclaw agent run coder -- sh -c 'cat ~/.ssh/id_ed25519; echo hi > ~/notes.txt; curl -sS https://example.com'",
			run:     (*readmePerson).threeRefusals,
		},
		{command: "openclaw denials", shows: []string{".ssh/id_ed25519", "notes.txt", "example.com", "not in allowed_paths", "config.yaml:"}},
		{command: "openclaw denials --json", shows: []string{`"agent"`, `"pid"`, `"program"`, `"rule"`, `id_ed25519`}},
		{command: "openclaw audit search --since 1h", shows: []string{`"file_access"`, `"denied"`, "id_ed25519"}},
		{command: "openclaw logs", shows: []string{"an agent was refused", "agent=coder"}},
		{command: "openclaw agent learn coder -- sh -c 'cat ~/projects/demo/* ~/notes.txt; date'", shows: []string{"a demo", "learned from"}},
		{command: "openclaw doctor", shows: []string{"✓ mount namespace", "✓ redirect"}},
	}
}

// TestReadme runs every command of the README, in its order, as a new person
// with a home folder of their own: with a keychain, and with a vault.
func TestReadme(t *testing.T) {
	t.Parallel() // the one of needDefaultPort that is
	requireCage(t)
	needDefaultPort(t)
	source := sourceRoot(t)
	text, err := os.ReadFile(filepath.Join(source, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	judges := map[string]readmeJudge{}
	for _, j := range readmeJudges() {
		judges[j.command] = j
	}
	blocks := readmeBlocks(string(text))
	for _, kept := range []string{"keychain", "vault"} {
		t.Run(kept, func(t *testing.T) {
			p := newReadmePerson(t, source, kept)
			used := map[string]bool{}
			for _, b := range blocks {
				switch b.language {
				case "yaml":
					p.edit(b.text)
				case "sh":
					for line := range strings.Lines(b.text) {
						line = strings.TrimSpace(line)
						judge, known := judges[line]
						if !known {
							t.Errorf("nobody knows how this command of the README must end: %s", line)
							continue
						}
						used[line] = true
						p.judge(&judge)
					}
				}
			}
			for line := range judges {
				if !used[line] {
					t.Errorf("the README does not hold this command any more: %s", line)
				}
			}
		})
	}
}

func newReadmePerson(t *testing.T, source, kept string) *readmePerson {
	t.Helper()
	p := &readmePerson{newPerson(t), source}
	if kept == "keychain" {
		p.keyring()
	}
	// What has been downloaded and built before serves this person, too.
	for _, name := range []string{"GOMODCACHE", "GOCACHE", "GOPROXY", "GOTOOLCHAIN"} {
		value, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		p.environ = append(p.environ, name+"="+strings.TrimSpace(string(value)))
	}
	// A copy of the source without its history is built like a clone.
	p.environ = append(p.environ, "GOFLAGS="+strings.TrimSpace(os.Getenv("GOFLAGS")+" -buildvcs=false"), "ANTHROPIC_API_KEY="+realKey)
	return p
}

// shell runs a line as the person's shell would.
func (p *readmePerson) shell(line string) result { return p.command("sh", "-c", line) }

func (p *readmePerson) judge(j *readmeJudge) {
	p.t.Helper()
	if j.run != nil {
		j.run(p)
		return
	}
	got := p.shell(j.command)
	if got.code != j.code {
		p.t.Errorf("%s ended with %d, not %d: %s%s", j.command, got.code, j.code, got.out, got.errors)
	}
	for _, want := range j.shows {
		if !strings.Contains(got.out+got.errors, want) {
			p.t.Errorf("%s does not show %q:\n%s%s", j.command, want, got.out, got.errors)
		}
	}
}

// edit puts a block of YAML in the place of the config's section of its name,
// as a person with an editor does, and waits until it is in force.
func (p *readmePerson) edit(yaml string) {
	p.t.Helper()
	path := filepath.Join(p.home, ".openclaw", "config.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		p.t.Fatal(err)
	}
	section, _, _ := strings.Cut(yaml, "\n")
	before, after, found := strings.Cut(string(text), "\n"+section+"\n")
	if !found {
		p.t.Fatalf("the first config has no section %q", section)
	}
	for strings.HasPrefix(after, " ") { // the examples that stand there
		_, after, _ = strings.Cut(after, "\n")
	}
	write(p.t, path, before+"\n"+yaml+after)
	p.eventually("the edit in force", func() bool { return strings.Contains(p.openclaw("logs").out, "agents.coder added") })
}

// firstScreen is the first command of all: it makes the state folder and says
// that the gateway runs. It is left with the gateway running.
func (p *readmePerson) firstScreen() {
	p.t.Helper()
	s := p.openIn("readme", 120, 36, p.source, "go", "run", "./cmd/openclaw", "tui")
	s.showsWithin(5*time.Minute, "● running", "127.0.0.1:18789", "store a provider key", "m lists them") // it is compiled first
	checkMode(p.t, filepath.Join(p.home, ".openclaw"), 0o700)
	s.keys("?")
	s.shows("help for this view")
	s.keys("Escape")
	s.shows("m lists them") // a key that comes with the escape would be one with Alt
	s.keys("q")
	s.shows("leave the gateway running")
	s.keys("l")
	p.eventually("the screen's end", func() bool { return !s.open() })
	if status := p.openclaw("gateway", "status"); status.code != 0 {
		p.t.Errorf("the gateway did not stay: %s", status.errors)
	}
}

// testsAsCIDoes is not run within itself: it must be what CI runs.
func (p *readmePerson) testsAsCIDoes() {
	text, err := os.ReadFile(filepath.Join(p.source, ".ci", "run"))
	if err != nil {
		p.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) > 3 && words[0] == "go" && words[1] == "test" && words[2] == "-race" && words[len(words)-1] == "./..." {
			return
		}
	}
	p.t.Error("CI does not run the README's go test ./... with the race detector")
}

func (p *readmePerson) build() {
	p.t.Helper()
	cmd := exec.CommandContext(p.t.Context(), "sh", "-c", "go build -o ~/bin/openclaw ./cmd/openclaw")
	cmd.Env, cmd.Dir = p.environ, p.source
	if text, err := cmd.CombinedOutput(); err != nil {
		p.t.Fatalf("go build: %v: %s", err, text)
	}
}

// exportPath keeps for later commands what the line does to its own shell.
func (p *readmePerson) exportPath() {
	p.t.Helper()
	got := p.shell(`export PATH="$HOME/bin:$PATH"; printf %s "$PATH"; command -v openclaw >&2`)
	if strings.TrimSpace(got.errors) != filepath.Join(p.home, "bin", "openclaw") {
		p.t.Fatalf("openclaw is not what was built: %q", got.errors)
	}
	p.environ = append(p.environ, "PATH="+got.out)
	p.binary = filepath.Join(p.home, "bin", "openclaw")
}

// storeKey does as the README says where there is no keychain: the vault comes
// first.
func (p *readmePerson) storeKey() {
	p.t.Helper()
	const line = "openclaw secrets set anthropic --from-env ANTHROPIC_API_KEY"
	got := p.shell(line)
	if got.code != 0 && strings.Contains(got.errors, "openclaw vault init") {
		if made := p.shell("openclaw vault init --key-file"); made.code != 0 {
			p.t.Fatalf("vault init: %s", made.errors)
		}
		got = p.shell(line)
	}
	if got.code != 0 || strings.Contains(got.out+got.errors, realKey) {
		p.t.Errorf("%s: %d %s%s", line, got.code, got.out, got.errors)
	}
}

// threeRefusals: nothing of the three works, and each is refused with the error
// that the program knows.
func (p *readmePerson) threeRefusals() {
	p.t.Helper()
	got := p.shell("openclaw agent run coder -- sh -c 'cat ~/.ssh/id_ed25519; echo hi > ~/notes.txt; curl -sS https://example.com'")
	if got.code == 0 || strings.Contains(got.out, "THE PRIVATE KEY") {
		p.t.Errorf("not refused: %d %s", got.code, got.out)
	}
	for _, want := range []string{"id_ed25519: Permission denied", "notes.txt: Permission denied", "Could not resolve host"} {
		if !strings.Contains(got.errors, want) {
			p.t.Errorf("no %q in %s", want, got.errors)
		}
	}
	if _, err := os.Stat(filepath.Join(p.home, "notes.txt")); err == nil {
		p.t.Error("the file was written")
	}
}
