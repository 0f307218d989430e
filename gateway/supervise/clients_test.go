package supervise

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"openclaw/sandbox/policy"
)

func allow(path string, access policy.Access) policy.PathRule {
	return policy.PathRule{Path: path, Effect: policy.Allow, Access: access}
}

func value(env []string, name string) string {
	for _, entry := range env {
		if value, is := strings.CutPrefix(entry, name+"="); is {
			return value
		}
	}
	return ""
}

// Each known client gets a folder that it may write, and Codex and Gemini the
// file that they take their settings from; what the person allowed stays theirs.
func TestClientsFolders(t *testing.T) {
	t.Parallel()
	const base = "http://127.0.0.1:18789"
	for name, row := range map[string]struct {
		paths   func(workspace string) []policy.PathRule
		env     []string
		command string
		want    map[string]string // below the workspace's folder; "": not set, "/…": as it is
	}{
		"a workspace": {
			func(w string) []policy.PathRule { return []policy.PathRule{allow(w, policy.AccessWrite)} }, nil, "bash",
			map[string]string{"CLAUDE_CONFIG_DIR": "claude", "CODEX_HOME": "codex", "GEMINI_CLI_HOME": "gemini", "XDG_DATA_HOME": ""},
		},
		"opencode": {
			func(w string) []policy.PathRule { return []policy.PathRule{allow(w, policy.AccessWrite)} }, nil, "/usr/bin/opencode",
			map[string]string{"XDG_CONFIG_HOME": "opencode/config", "XDG_DATA_HOME": "opencode/data", "XDG_STATE_HOME": "opencode/state", "XDG_CACHE_HOME": "opencode/cache"},
		},
		"the person's own": {
			func(w string) []policy.PathRule {
				return []policy.PathRule{allow(w, policy.AccessWrite), allow("/home/me/.claude", policy.AccessWrite), allow("/home/me/.codex", policy.AccessRead)}
			}, []string{"GEMINI_CLI_HOME"}, "claude",
			map[string]string{"CLAUDE_CONFIG_DIR": "", "CODEX_HOME": "codex", "GEMINI_CLI_HOME": ""},
		},
		"nothing may be written": {
			func(w string) []policy.PathRule { return []policy.PathRule{allow(w, policy.AccessRead)} }, nil, "claude",
			map[string]string{"CLAUDE_CONFIG_DIR": "/tmp", "CODEX_HOME": "/tmp", "GEMINI_CLI_HOME": "/tmp"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			workspace := filepath.Join(t.TempDir(), "not", "yet", "there")
			c := clients{policy: &policy.Policy{Workspace: workspace, Home: "/home/me", Paths: row.paths(workspace), Env: row.env}, base: base, command: []string{row.command}}
			for range 2 { // the second run finds what the first made
				if err := os.MkdirAll(workspace, 0o700); err != nil { // the cage's part
					t.Fatal(err)
				}
				env := c.environment()
				if err := c.make(); err != nil {
					t.Fatal(err)
				}
				for variable, want := range row.want {
					if want != "" && want[0] != '/' {
						want = filepath.Join(workspace, ".clients", want)
						if info, err := os.Stat(want); err != nil || info.Mode().Perm() != 0o700 {
							t.Errorf("%s: %v %v", want, info, err)
						}
					}
					if got := value(env, variable); got != want {
						t.Errorf("%s is %q, want %q", variable, got, want)
					}
				}
			}
			for file, want := range map[string]string{"codex/config.toml": `base_url = "` + base + `/v1"`, "gemini/.gemini/settings.json": `"gemini-api-key"`} {
				text, err := os.ReadFile(filepath.Join(workspace, ".clients", file))
				if made := row.want["CODEX_HOME"] != "/tmp"; file[0] == 'c' && made != (err == nil) || err == nil && !strings.Contains(string(text), want) {
					t.Errorf("%s: %s %v", file, text, err)
				}
			}
		})
	}
}

// What a client made of its settings stays.
func TestClientsSettingsAreTheirs(t *testing.T) {
	t.Parallel()
	workspace := t.TempDir()
	c := clients{policy: &policy.Policy{Workspace: workspace, Home: "/home/me", Paths: []policy.PathRule{allow(workspace, policy.AccessWrite)}}, base: "http://x"}
	file := filepath.Join(workspace, ".clients", "codex", "config.toml")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.make(); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "mine" {
		t.Errorf("%q %v", text, err)
	}
}

// The workspace is the agent's: a link that it put there leads nothing of ours out.
func TestClientsFoldersLeadNowhere(t *testing.T) {
	t.Parallel()
	for name, link := range map[string]string{"the folder": ".clients", "a client's": ".clients/codex", "the file": ".clients/codex/config.toml", "what is written": ".clients/codex/config.toml.new"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			workspace, outside := t.TempDir(), t.TempDir()
			victim := filepath.Join(outside, "victim")
			at := filepath.Join(workspace, link)
			if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
				t.Fatal(err)
			}
			target := outside
			if strings.Contains(link, "config") {
				target = victim
				if strings.HasSuffix(link, ".new") {
					if err := os.WriteFile(victim, []byte("theirs"), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := os.Symlink(target, at); err != nil {
				t.Fatal(err)
			}
			c := clients{policy: &policy.Policy{Workspace: workspace, Home: "/home/me", Paths: []policy.PathRule{allow(workspace, policy.AccessWrite)}}, base: "http://x"}
			env := c.environment()
			_ = c.make() // whether it fails is the link's matter
			left, err := os.ReadDir(outside)
			if err != nil || len(left) > 1 {
				t.Errorf("%v %v", left, err)
			}
			if text, err := os.ReadFile(victim); err == nil && string(text) != "theirs" {
				t.Errorf("written through a link: %q", text)
			}
			if value(env, "CLAUDE_CONFIG_DIR") == "" {
				t.Error("the other clients have nothing")
			}
		})
	}
}

// Codex is told on its command line too, before what the person wrote; Claude
// Code gets no key beside the token, which it would ask about.
func TestClientsCommand(t *testing.T) {
	t.Parallel()
	c := clients{base: "http://127.0.0.1:1", command: []string{"/opt/codex", "exec", "hi"}}
	got := c.arguments()
	if len(got) != 7 || got[0] != "/opt/codex" || got[1] != "-c" || got[2] != `model_provider="openclaw"` || !strings.Contains(got[4], `base_url="http://127.0.0.1:1/v1"`) || got[5] != "exec" {
		t.Errorf("%q", got)
	}
	given := []string{"ANTHROPIC_API_KEY=oca_x", "ANTHROPIC_AUTH_TOKEN=oca_x"}
	for command, want := range map[string]int{"claude": 1, "/usr/bin/claude": 1, "claude --bare": 2, "sh": 2} {
		c := clients{command: strings.Fields(command)}
		if got := c.without(given); len(got) != want || got[len(got)-1] != "ANTHROPIC_AUTH_TOKEN=oca_x" || !slices.Equal(c.arguments(), c.command) {
			t.Errorf("%s: %q", command, got)
		}
	}
}
