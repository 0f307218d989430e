package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestWalls keeps the rooms apart: a package below From reaches nothing below
// Never, not even through others.
func TestWalls(t *testing.T) {
	t.Parallel()
	walls := []struct{ from, never, reason string }{
		{"openclaw/sandbox", "openclaw/gateway", "the cage is built and tested without a gateway; calls go down"},
		{"openclaw/sandbox", "openclaw/configs", "a policy reaches the cage compiled"},
		{"openclaw/sandbox", "openclaw/keychain", "a cage never holds a secret"},
		{"openclaw/sandbox", "openclaw/tui", "calls go down"},
		{"openclaw/sandbox/policy", "openclaw/sandbox/linux", "the policy is pure"},
		{"openclaw/keychain", "openclaw/gateway", "secrets are below the gateway"},
		{"openclaw/keychain", "openclaw/configs", "secrets know nothing of the config"},
		{"openclaw/keychain", "openclaw/sandbox", "secrets know nothing of cages"},
		{"openclaw/configs", "openclaw/gateway", "the config is below the gateway"},
		{"openclaw/configs", "openclaw/sandbox/linux", "the config reads only the permission types"},
		{"openclaw/gateway", "openclaw/tui", "the gateway never knows who watches"},
		{"openclaw/gateway", "openclaw/cmd", "nothing knows the command line"},
		{"openclaw/gateway/event", "openclaw/configs", "events are plain data"},
		{"openclaw/gateway/wire", "openclaw/gateway/hub", "the wire has no behaviour"},
		{"openclaw/gateway/chat", "openclaw/gateway/hub", "a conversation knows no sockets"},
		{"openclaw/gateway/chat", "openclaw/keychain", "the key is put in behind the pass-through"},
		{"openclaw/gateway/store", "openclaw/configs", "the store is given its path"},
		{"openclaw/tui", "openclaw/gateway/client", "the screen sees its Backend"},
		{"openclaw/tui", "openclaw/gateway/hub", "the screen sees its Backend"},
		{"openclaw/tui", "openclaw/keychain", "the screen hands a secret on and forgets it"},
		{"openclaw/tui", "openclaw/cmd", "nothing knows the command line"},
		{"openclaw/tui/view", "github.com/charmbracelet/bubbletea", "one file holds the loop"},
	}
	deps := packageDeps(t)
	for _, wall := range walls {
		for pkg, imports := range deps {
			if !below(pkg, wall.from) || below(pkg, wall.never) {
				continue
			}
			for _, dep := range imports {
				if below(dep, wall.never) {
					t.Errorf("%s reaches %s: %s", pkg, dep, wall.reason)
				}
			}
		}
	}
}

// The root of the repository holds the rooms and what a build needs, and nothing that was
// checked in by mistake.
func TestRootHoldsTheRooms(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "git", "-c", "safe.directory=*", "-C", filepath.Join("..", ".."), "ls-files").Output()
	required(t, err == nil, "this is no checkout of the repository, or there is no git")
	known := []string{"README.md", "cmd", "configs", "gateway", "go.mod", "go.sum", "keychain", "sandbox", "tui"}
	for name := range strings.Lines(string(out)) {
		name, _, _ = strings.Cut(strings.TrimSpace(name), "/")
		if !strings.HasPrefix(name, ".") && !slices.Contains(known, name) {
			t.Errorf("%s does not belong there", name)
		}
	}
}

func below(pkg, root string) bool { return pkg == root || strings.HasPrefix(pkg, root+"/") }

// packageDeps lists every package of the module with all that it reaches.
func packageDeps(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Deps,Module", "openclaw/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	deps := map[string][]string{}
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var pkg struct {
			ImportPath string
			Deps       []string
		}
		err := decoder.Decode(&pkg)
		if errors.Is(err, io.EOF) {
			return deps
		}
		if err != nil {
			t.Fatalf("read go list: %v", err)
		}
		if below(pkg.ImportPath, "openclaw") {
			deps[pkg.ImportPath] = pkg.Deps
		}
	}
}
