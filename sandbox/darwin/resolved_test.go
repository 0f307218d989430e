package darwin

import (
	"strings"
	"testing"

	"openclaw/sandbox/policy"
)

// linked has ~/projects on another disk.
func linked(name string) (string, []string) {
	if rest, ok := strings.CutPrefix(name, "/Users/ada/projects"); ok {
		return "/Volumes/W [1]/projects" + rest, []string{"/Users/ada/projects"}
	}
	return Physical(name), nil
}

func linkedPolicy(t *testing.T) *policy.Policy {
	t.Helper()
	p, problems := policy.Compile(policy.Input{
		Agent: "coder", Home: "/Users/ada", StateDir: "/Users/ada/.openclaw", OwnKey: "agents.coder",
		Own: policy.Permissions{AllowedPaths: []policy.PathEntry{{Path: "~/projects"}}, DeniedPaths: []string{"~/projects/**/.env", "~/projects/a?c", "/tmp/x/*"}},
	})
	if p == nil {
		t.Fatal(problems)
	}
	return p
}

// TestPatternsBehindALink: a pattern whose folder is reached through a link
// denies where the files are.
func TestPatternsBehindALink(t *testing.T) {
	o := testOptions()
	o.Resolve = linked
	judgeAll(t, linkedPolicy(t), o, []judged{
		{"file-read-data", "/Volumes/W [1]/projects/p/main.go", true, ""},
		{"file-read-data", "/Volumes/W [1]/projects/p/q/.env", false, "0"},
		{"file-write-create", "/Volumes/W [1]/projects/.env", false, "0"},
		{"file-read-data", "/Volumes/W [1]/projects/abc/f", false, "1"},
		{"file-read-data", "/System/Volumes/Data/Volumes/W [1]/projects/abc/f", false, "1"},
		{"file-read-data", "/Users/ada/projects/.env", false, "0"},
		{"file-write-unlink", "/Users/ada/projects", false, TagPinned},
		{"file-write-unlink", "/Volumes/W [1]/projects", false, TagPinned},
		{"file-read-data", "/private/tmp/x/y", false, "2"},
	})
}

func TestResolved(t *testing.T) {
	p := Resolved(linkedPolicy(t), linked)
	for name, want := range map[string]policy.Effect{
		"/Volumes/W [1]/projects/p/f": policy.Allow, "/Volumes/W [1]/projects/p/.env": policy.Deny, "/Volumes/W 1/projects/p/f": policy.Deny,
		"/Users/ada/projects/p/f": policy.Allow, "/Users/ada/projects/p/.env": policy.Deny,
	} {
		if d := p.Decide(policy.Request{Class: policy.ClassPathRead, Path: name}); d.Effect != want {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

func TestResolvePattern(t *testing.T) {
	for pattern, want := range map[string]string{
		"/**/.env": "/**/.env", "/*/x": "/*/x", `/Users/ada/projects/\*/?`: `/Volumes/W \[1]/projects/\*/?`, "/etc/a*": "/private/etc/a*", `/tm\p/*`: "/private/tmp/*",
	} {
		if got, _ := resolvePattern(pattern, linked); got != want {
			t.Errorf("%s became %s", pattern, got)
		}
	}
}
