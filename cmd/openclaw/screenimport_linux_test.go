package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Keys that stand in clear in a person's files are moved from the screen: what was marked,
// and nothing else; no screen shows one.
func TestTheScreenMovesKeysOutOfFiles(t *testing.T) {
	t.Parallel()
	p := newPerson(t)
	const inShell, inProject = "sk-proj-T3stT3stT3stT3stT3stT3stT3stT3stT3stT3stQQ", "AIzaSyA1bC2dE3fG4hI5jK6lM7nO8pQ9rS0tU1v"
	profile, env := filepath.Join(p.home, ".bashrc"), filepath.Join(p.home, "projects", "demo", ".env")
	write(t, profile, "export OPENAI_API_KEY="+inShell+"\n")
	write(t, env, "GEMINI_API_KEY="+inProject+"\n")
	p.configure("agents: {coder: {}}\n")
	p.gateway()
	p.says("vault", "init", "--key-file")
	s := p.openIn("import", 120, 30, filepath.Dir(env), p.binary, "tui")
	s.shows("agents 0/1")
	s.keys("6")
	s.shows("token/gateway")
	s.keys("i")
	s.shows("~/.bashrc:1", "OPENAI_API_KEY", "demo/.env:1", "becomes the secret openai")
	s.keys("Space")
	s.shows("[x]")
	listed := s.text()
	s.keys("y")
	s.shows("OPENAI_API_KEY is now vault://openai", "enter back")
	moved := s.text()
	if strings.Contains(moved, hiddenValue) {
		t.Errorf("what became of the keys stands below the command's own list:\n%s", moved)
	}
	s.keys("Enter")
	s.shows("› token/gateway", "openai")
	for _, text := range []string{listed, moved, s.text()} {
		if strings.Contains(text, inShell) || strings.Contains(text, inProject) {
			t.Errorf("the screen shows a key:\n%s", text)
		}
	}
	if text := contents(t, profile); strings.Contains(text, inShell) {
		t.Errorf("the profile still has the key: %s", text)
	}
	if text := contents(t, env); !strings.Contains(text, inProject) {
		t.Errorf("what was not marked was moved: %s", text)
	}
	if got := p.says("vault", "get", "openai"); strings.TrimSpace(got) != inShell {
		t.Errorf("the vault has %q", got)
	}
	if backups, err := os.ReadDir(filepath.Join(p.home, ".openclaw", "backups")); err != nil || len(backups) != 1 {
		t.Errorf("no backup: %v, %v", backups, err)
	}
}
