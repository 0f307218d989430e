package supervise

import (
	"os"
	"path/filepath"
	"testing"

	"openclaw/sandbox/policy"
)

// A command begins where the person stands if its agent may read that, else where the
// agent may work: what the config lets it write in before what it may only read, and
// what is denied never.
func TestWhereACommandBegins(t *testing.T) {
	home := t.TempDir()
	at := func(names ...string) string { return filepath.Join(append([]string{home}, names...)...) }
	for _, name := range []string{"work", "notes", "demo/src", "denied", "elsewhere"} {
		if err := os.MkdirAll(at(name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(at("demo"), at("link")); err != nil {
		t.Fatal(err)
	}
	allow := func(access policy.Access, name string) policy.PathRule {
		return policy.PathRule{Path: name, Effect: policy.Allow, Access: access, Origin: policy.Origin{File: "config.yaml", Line: 3}}
	}
	rules := []policy.PathRule{
		{Path: at("work"), Effect: policy.Allow, Access: policy.AccessWrite, Origin: policy.Origin{BuiltIn: "the workspace"}},
		allow(policy.AccessRead, at("notes")), allow(policy.AccessWrite, at("gone")),
		allow(policy.AccessWrite, at("denied")), {Path: at("denied"), Effect: policy.Deny, Origin: policy.Origin{Line: 4}},
		allow(policy.AccessWrite, at("demo")),
	}
	for _, c := range []struct {
		stands, begins string
		rules          []policy.PathRule
		moved          bool
	}{
		{at("demo", "src"), at("demo", "src"), rules, false},
		{at("link"), at("link"), rules, false},
		{at("elsewhere"), at("demo"), rules, true},
		{at("denied"), at("demo"), rules, true},
		{at("gone"), at("demo"), rules, true},
		{"", at("demo"), rules, true},
		{at("elsewhere"), at("notes"), rules[:3], true},
		{at("elsewhere"), at("work"), rules[:1], true},
		{at("work"), at("work"), rules, false},
	} {
		p := &policy.Policy{Agent: "coder", Home: home, Workspace: at("work"), Paths: c.rules}
		if folder, moved := workFolder(p, c.stands); folder != c.begins || moved != c.moved {
			t.Errorf("who stands in %q begins in %q (moved: %v), not in %q", c.stands, folder, moved, c.begins)
		}
	}
}
