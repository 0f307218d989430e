package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestConfigReachesARunningCage edits the config under a running command: an
// allowed path and an allowed domain open without a restart, and close again;
// what a running cage cannot take back is said on the screen.
func TestConfigReachesARunningCage(t *testing.T) {
	t.Parallel()
	requireCage(t)
	p := newPerson(t)
	if err := os.MkdirAll(filepath.Join(p.home, ".openclaw"), 0o700); err != nil {
		t.Fatal(err)
	}
	configFile := filepath.Join(p.home, ".openclaw", "config.yaml")
	port := freePort(t)
	configure := func(permissions string) {
		write(t, configFile, fmt.Sprintf("gateway: {port: %d}\nagents:\n  coder:\n    permissions: %s\n", port, permissions))
	}
	configure("{network: {allowed_domains: [other.example]}}")

	// The command says once for each change of what it can do.
	script := `was=; while [ ! -e stop ]; do
		now="$(cat ~/projects/demo/read.me >/dev/null 2>&1 && echo path) $(getent hosts allowed.example >/dev/null && echo net)"
		[ "$now" = "$was" ] || { echo "$now" >> log; was=$now; }
		sleep 0.1
	done`
	cmd := exec.CommandContext(t.Context(), p.binary, "agent", "run", "coder", "--", "sh", "-c", script)
	cmd.Env, cmd.Dir, cmd.Stderr = p.environ, p.home, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	workspace := filepath.Join(p.home, ".openclaw", "agents", "coder")
	said := func(want string) {
		t.Helper()
		p.eventually(fmt.Sprintf("%q in the cage", want), func() bool {
			text, _ := os.ReadFile(filepath.Join(workspace, "log"))
			lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
			return len(lines) > 0 && lines[len(lines)-1] == want
		})
	}
	said(" ")
	configure("{allowed_paths: [~/projects/demo], network: {allowed_domains: [allowed.example]}}")
	said("path net")
	configure("{network: {allowed_domains: [other.example]}}")
	said(" ")

	// A path that was bound when the run began stays readable in it; that is said.
	write(t, filepath.Join(workspace, "stop"), "")
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	configure("{allowed_paths: [~/projects/demo]}")
	p.eventually("the new config", func() bool {
		return strings.Contains(p.openclaw("agent", "run", "coder", "--", "cat", filepath.Join(p.home, "projects", "demo", "read.me")).out, "a demo")
	})
	screen := p.open("screen", 120, 36, "tui")
	screen.shows("● running")
	_ = os.Remove(filepath.Join(workspace, "stop"))
	bound := exec.CommandContext(t.Context(), p.binary, "agent", "run", "coder", "--", "sh", "-c", "while [ ! -e stop ]; do sleep 0.1; done")
	bound.Env, bound.Dir = p.environ, workspace // else it begins in the folder that it was given
	if err := bound.Start(); err != nil {
		t.Fatal(err)
	}
	screen.keys("4")
	screen.shows("coder", "✓ gate") // the run is known, with the policy that becomes narrower
	configure("{}")
	screen.shows("new run")
	write(t, filepath.Join(workspace, "stop"), "")
	if err := bound.Wait(); err != nil {
		t.Fatal(err)
	}
}
