package supervise

import (
	"os"
	"path/filepath"
	"testing"

	"openclaw/sandbox/policy"
)

// A command begins where the person stands if its agent may read that, else where the
// agent may work: what the config lets it write in before what it may only read, and
// what is denied never. A folder's own name is where a link leads.
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
	}{
		{at("demo", "src"), at("demo", "src"), rules},
		{at("link"), at("link"), rules},
		{at("elsewhere"), at("demo"), rules},
		{at("denied"), at("demo"), rules},
		{at("gone"), at("demo"), rules},
		{"", at("demo"), rules},
		{at("elsewhere"), at("notes"), rules[:3]},
		{at("elsewhere"), at("work"), rules[:1]},
		{at("work"), at("work"), rules},
	} {
		p := &policy.Policy{Agent: "coder", Home: home, Workspace: at("work"), Paths: c.rules}
		folder := workFolder(p, c.stands)
		if folder != c.begins {
			t.Errorf("who stands in %q begins in %q, not in %q", c.stands, folder, c.begins)
		}
		if elsewhere(folder, c.stands) != (folder != c.stands) {
			t.Errorf("%q is elsewhere than %q: %v", folder, c.stands, elsewhere(folder, c.stands))
		}
	}
	if elsewhere(at("demo"), at("link")) {
		t.Error("a folder is elsewhere than a link to it")
	}
}
