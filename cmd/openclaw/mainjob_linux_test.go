package main

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/event"
	"openclaw/gateway/provider/standin"
)

const realKey = "sk-ant-api03-THE-REAL-KEY-0123456789abcdefghijklmnopqrstuvwxyz"

// TestMainJob is the main job of the README from the outside, step by step: a
// first start, a key, a caged command, its refusals, a config edit, the same
// on the command line, and leaving. With a real gnome-keyring, and without one
// in the encrypted vault.
func TestMainJob(t *testing.T) {
	for _, kept := range []string{"keychain", "vault"} {
		t.Run(kept, func(t *testing.T) { mainJob(t, kept) })
	}
}

func mainJob(t *testing.T, kept string) {
	t.Helper()
	requireCage(t)
	needDefaultPort(t)
	p := newPerson(t)
	if kept == "keychain" {
		p.keyring()
	}
	provider := standin.New(standin.Options{})
	upstream := httptest.NewServer(provider)
	t.Cleanup(upstream.Close)

	// 1. A first run makes the state folder, launches the gateway and attaches.
	screen := p.open("screen", 120, 36, "tui")
	screen.shows("● running", "127.0.0.1:18789", "Needs you", "write it into ~/.openclaw/config.yaml")
	checkMode(t, filepath.Join(p.home, ".openclaw"), 0o700)
	checkMode(t, filepath.Join(p.home, ".openclaw", "config.yaml"), 0o600)
	if p.gatewayPID() <= 0 {
		t.Fatal("no gateway holds the lock")
	}

	// 2. The person types a key, masked.
	screen.keys("6")
	if kept == "vault" {
		screen.shows("No keychain answers", "key file…")
		screen.keys("f") // a key file: no passphrase to remember
		screen.shows("any other key cancels")
		screen.keys("y")
		screen.shows("vault", "unlocked")
	}
	screen.keys("a")
	screen.shows("name")
	screen.keys("C-u")
	screen.types("anthropic")
	screen.keys("Enter")
	screen.types(realKey)
	screen.shows("••••")
	if strings.Contains(screen.text(), "THE-REAL-KEY") {
		t.Fatal("the screen shows the key")
	}
	screen.keys("Enter")
	screen.shows("anthropic", kept)
	if kept == "keychain" {
		var found string // the dialog said both words before
		for range 600 {
			if found = strings.TrimSpace(p.command("secret-tool", "lookup", "service", "openclaw", "username", "anthropic").out); found != "" {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		if found != realKey {
			t.Errorf("secret-tool finds %d bytes", len(found))
		}
	} else {
		p.eventually("the key in the vault", func() bool { return p.openclaw("secrets", "test", "anthropic").code == 0 })
	}

	// 5, first half. The config gets the agents, and the stand-in as provider.
	configFile := filepath.Join(p.home, ".openclaw", "config.yaml")
	config := fmt.Sprintf(`providers:
  anthropic:
    base_url: %s
agents:
  coder:
    permissions:
      denied_paths:
        - ~/projects/secret
  reviewer:
    permissions:
      read_only: true
`, upstream.URL)
	write(t, configFile, config)
	screen.keys("8")
	screen.shows("active #2", "agents 0/2")

	// 3. A command in the cage, on a terminal of its own.
	model := `curl -sS $ANTHROPIC_BASE_URL/v1/messages -H "authorization: Bearer $ANTHROPIC_AUTH_TOKEN" -H 'anthropic-version: 2023-06-01' ` +
		`-H 'content-type: application/json' -d '{"model":"claude-x","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}'`
	run := p.openclaw("agent", "run", "coder", "--", "sh", "-c",
		`cat ~/.ssh/id_ed25519; echo "read $?"; echo hi > ~/notes.txt; echo "write $?"; cat ~/projects/demo/read.me; echo "other $?"; `+
			`curl -sS -m 10 https://example.com; echo "net $?"; env; `+model+`; exit 7`)
	if run.code != 7 {
		t.Errorf("the run ended with %d, not 7: %s%s", run.code, run.out, run.errors)
	}
	for _, want := range []string{"read 1", "write ", "other 1"} {
		if !strings.Contains(run.out, want) {
			t.Errorf("the run did not say %q:\n%s%s", want, run.out, run.errors)
		}
	}
	if !strings.Contains(run.errors, "Permission denied") || strings.Contains(run.out, "write 0") || strings.Contains(run.out, "net 0") {
		t.Errorf("not refused:\n%s\n%s", run.out, run.errors)
	}
	if _, err := os.Stat(filepath.Join(p.home, "notes.txt")); err == nil {
		t.Error("the agent wrote into the home folder")
	}
	if strings.Contains(run.out, "THE PRIVATE KEY") || strings.Contains(run.out, "canary-must-not") || strings.Contains(run.out, "THE-REAL-KEY") {
		t.Errorf("the agent saw a secret:\n%s", run.out)
	}
	if seen := provider.Requests(); len(seen) != 1 || !slices.Contains(seen[0].Header["X-Api-Key"], realKey) {
		t.Errorf("the provider saw %d requests, %+v", len(seen), seen)
	}
	if !strings.Contains(run.out, `"type":"message"`) && !strings.Contains(run.out, `"type": "message"`) {
		t.Errorf("no answer of the model:\n%s", run.out)
	}

	// 4. The screen shows each refusal, with the rule's place.
	screen.keys("3")
	screen.shows("coder", "id_ed25519", "notes.txt", "example.com")
	screen.keys("2")
	screen.shows("/v1/messages")
	screen.keys("5")
	screen.shows("gateway")
	screen.keys("4")
	screen.shows("coder", "reviewer")

	// 6. The command line says the same.
	var denials []event.Denial
	list := p.openclaw("denials", "--json")
	if err := json.Unmarshal([]byte(list.out), &denials); err != nil {
		t.Fatalf("denials --json: %v: %s", err, list.errors)
	}
	for _, target := range []string{
		filepath.Join(p.home, ".ssh", "id_ed25519"), filepath.Join(p.home, "notes.txt"), "example.com",
	} {
		i := slices.IndexFunc(denials, func(d event.Denial) bool { return strings.HasPrefix(d.Target, target) })
		if i < 0 {
			t.Errorf("no denial of %s in %s", target, list.out)
			continue
		}
		d := denials[i]
		if d.Agent != "coder" || d.PID <= 0 || !strings.HasPrefix(d.Program, "/") || d.Rule == "" || d.Count < 1 {
			t.Errorf("the denial of %s is incomplete: %+v", target, d)
		}
	}
	searched := p.openclaw("audit", "search", "--since", "1h")
	for _, want := range []string{"id_ed25519", `"api_call"`, `"config_change"`, `"denied"`} {
		if !strings.Contains(searched.out, want) {
			t.Errorf("the audit log does not hold %s:\n%s", want, searched.out)
		}
	}
	if logged := p.openclaw("logs"); logged.code != 0 || logged.out == "" {
		t.Errorf("logs: %d %s", logged.code, logged.errors)
	}

	// 5, second half. An allowed path is allowed in the next run; a broken edit
	// shows its place and changes nothing.
	write(t, configFile, strings.Replace(config, "      denied_paths:", "      allowed_paths:\n        - ~/projects/demo\n      denied_paths:", 1))
	screen.keys("8")
	screen.shows("active #3")
	if again := p.openclaw("agent", "run", "coder", "--", "cat", filepath.Join(p.home, "projects", "demo", "read.me")); again.out != "a demo\n" {
		t.Errorf("not allowed after the edit: %d %q %q", again.code, again.out, again.errors)
	}
	write(t, configFile, config+"  x: [\n")
	screen.shows("REJECTED", "12:3")
	write(t, configFile, strings.Replace(config, "read_only", "raed_only", 1))
	screen.shows(`did you mean "read_only"`, "11:")
	if again := p.openclaw("agent", "run", "coder", "--", "cat", filepath.Join(p.home, "projects", "demo", "read.me")); again.out != "a demo\n" {
		t.Errorf("a broken edit changed the running config: %q %q", again.out, again.errors)
	}

	// Leaving offers to leave the gateway running.
	screen.keys("q")
	screen.shows("leave the gateway running")
	screen.keys("l")
	p.eventually("the screen's end", func() bool { return !screen.open() })
	if status := p.openclaw("gateway", "status"); status.code != 0 {
		t.Errorf("the gateway did not stay: %s", status.errors)
	}
	if stopped := p.openclaw("gateway", "stop"); stopped.code != 0 {
		t.Errorf("gateway stop: %s", stopped.errors)
	}
	p.eventually("the gateway's end", func() bool { return p.openclaw("gateway", "status").code != 0 })
	noSecretOnDisk(t, p, kept)
}

func checkMode(t *testing.T, path string, want os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != want {
		t.Errorf("%s has mode %o, not %o", path, got, want)
	}
}

// noSecretOnDisk reads every file that the program wrote.
func noSecretOnDisk(t *testing.T, p *person, kept string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(p.home, ".openclaw"), func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is open to others: %o", path, info.Mode().Perm())
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), "THE-REAL-KEY") || strings.Contains(string(text), "oca_") {
			t.Errorf("%s holds a secret in clear (%s)", path, kept)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
