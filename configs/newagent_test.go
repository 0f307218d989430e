package configs

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"openclaw/sandbox/policy"
)

// An agent that is added is the one that was asked for, whatever its name, and the
// rest of the file stays; what cannot be one writes nothing.
func TestAddAgent(t *testing.T) {
	const text = "# mine\nagents:\n  # the first\n  coder: {}\n\nlogging:\n  level: info\n"
	for _, test := range []struct {
		name  string
		agent NewAgent
		fails string
	}{
		{"folder and domain", NewAgent{Name: "reviewer", Paths: []string{"/srv/a b", "~/x: y"}, Domains: []string{"api.example.com", "*.example.org:8443"}}, ""},
		{"a dot in the name", NewAgent{Name: "team.coder", Paths: []string{"/srv/p"}}, ""},
		{"to read only", NewAgent{Name: "reviewer", Paths: []string{"/srv/p"}, Read: []string{"/srv/p/.git/config"}}, ""},
		{"nothing yet", NewAgent{Name: "empty"}, ""},
		{"there already", NewAgent{Name: "coder", Paths: []string{"/srv/p"}}, "agent coder exists already"},
		{"no name", NewAgent{Name: "../x"}, "not an agent's name"},
		{"relative", NewAgent{Name: "reviewer", Paths: []string{"projects"}}, "not an absolute path"},
		{"empty", NewAgent{Name: "reviewer", Paths: []string{""}}, "a path is empty"},
		{"not UTF-8", NewAgent{Name: "reviewer", Paths: []string{"/srv/\xff"}}, "is not UTF-8"},
		{"no such role", NewAgent{Name: "reviewer", Role: "nobody"}, "nobody"},
		{"no domain", NewAgent{Name: "reviewer", Domains: []string{"https://x/"}}, "https://x/"},
	} {
		t.Run(test.name, func(t *testing.T) {
			options := testOptions(t)
			path := writeConfig(t, options, text)
			snapshot, err := Edit(path, options, func(d *Document) error { return d.AddAgent(test.agent, options.Layout) })
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) {
					t.Fatalf("%v, want %q", err, test.fails)
				}
				if after, err := Load(path, options); err != nil || string(after.Text) != text {
					t.Errorf("the file was changed: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, added := snapshot.Config.Agents[test.agent.Name]
			if !added || len(snapshot.Config.Agents) != 2 {
				t.Fatalf("agents: %v", snapshot.Agents())
			}
			var paths []string
			for _, entry := range got.Permissions.AllowedPaths {
				paths = append(paths, entry.Path)
			}
			var domains []string
			if network := got.Permissions.Network; network != nil {
				domains = network.AllowedDomains
			}
			if !slices.Equal(paths, slices.Concat(test.agent.Paths, test.agent.Read)) || !slices.Equal(domains, test.agent.Domains) {
				t.Errorf("%q %q", paths, domains)
			}
			if len(test.agent.Paths) > 0 && !strings.Contains(string(snapshot.Text), "\n    permissions:\n      allowed_paths:\n        - ") {
				t.Errorf("not a line for each thing:\n%s", snapshot.Text)
			}
			for _, path := range test.agent.Read { // as a person writes it: what, then how
				if want := "- {path: " + path + ", access: read}\n"; !strings.Contains(string(snapshot.Text), want) {
					t.Errorf("%q is not in\n%s", want, snapshot.Text)
				}
			}
			for line := range strings.SplitSeq(text, "\n") {
				if !strings.Contains("\n"+string(snapshot.Text)+"\n", "\n"+line+"\n") {
					t.Errorf("the line %q is gone:\n%s", line, snapshot.Text)
				}
			}
		})
	}
}

// What git would run outside the cage is found in a repository, and written as what
// the agent may only read.
func TestWhatGitRunsIsReadOnly(t *testing.T) {
	options := testOptions(t)
	options.Getenv = func(name string) string { return map[string]string{"HOME": options.Home}[name] }
	for _, folder := range []string{"repository/.git", "plain", "worktree"} {
		if err := os.MkdirAll(filepath.Join(options.Home, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(options.Home, "worktree", ".git"), []byte("gitdir: /elsewhere\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(options.Home, "linked", "elsewhere.git")
	if err := errors.Join(os.MkdirAll(elsewhere, 0o755), os.Symlink("elsewhere.git", filepath.Join(options.Home, "linked", ".git"))); err != nil {
		t.Fatal(err)
	}
	path := writeConfig(t, options, "agents: {}\n")
	before, err := Load(path, options)
	if err != nil {
		t.Fatal(err)
	}
	full := filepath.Join(options.Home, "repository")
	for _, written := range []string{"~/repository", "$HOME/repository", full} {
		want := []string{written + "/.git/config", written + "/.git/hooks"}
		if got := before.RunByGit([]string{"~/plain", written, "~/worktree", "~/none", "relative"}); !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	real, err := filepath.EvalSymlinks(elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := before.RunByGit([]string{"~/linked"}), []string{real + "/config", real + "/hooks"}; !slices.Equal(got, want) {
		t.Errorf("behind a link %q, want %q", got, want)
	}
	snapshot, err := Edit(path, options, func(d *Document) error {
		return d.AddAgent(NewAgent{Name: "coder", Paths: []string{full}, Read: before.RunByGit([]string{full})}, options.Layout)
	})
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := snapshot.Policy("coder")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]policy.Effect{
		"main.go": policy.Allow, ".git/index": policy.Allow,
		".git/config": policy.Deny, ".git/hooks": policy.Deny, ".git/hooks/pre-commit": policy.Deny,
	} {
		if got := compiled.Decide(policy.Request{Class: policy.ClassPathWrite, Path: filepath.Join(full, name)}); got.Effect != want {
			t.Errorf("write %s: %+v, want %s", name, got, want)
		}
		if got := compiled.Decide(policy.Request{Class: policy.ClassPathRead, Path: filepath.Join(full, name)}); got.Effect != policy.Allow {
			t.Errorf("read %s: %+v", name, got)
		}
	}
}
