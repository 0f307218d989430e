package policy

import (
	"encoding/json"
	"testing"
)

// Whose agent is gone from the config has no right left, also where its folders, the
// system's programs or an "ask" were its own before, and every refusal says why. So it does
// where the policy came to the run by its connection.
func TestWithdrawnDeniesEverythingAndSaysWhy(t *testing.T) {
	last := compiled(t, "", "allowed_paths: [/srv/project]\nask: [path.read, exec, net]\nsystem_commands: true\nnetwork:\n  allowed_domains: [example.test]\n")
	text, err := json.Marshal(Withdrawn(last))
	if err != nil {
		t.Fatal(err)
	}
	p := new(Policy)
	if err := json.Unmarshal(text, p); err != nil {
		t.Fatal(err)
	}
	for _, request := range []string{
		"read /srv/project/a", "write " + last.Workspace, "read /usr/bin/true", "read /a/../b", "exec /usr/bin/true", "exec /usr/bin/sudo",
		"look-up example.test", "connect example.test:443", "dial example.test=192.0.2.1:443",
	} {
		if d := decide(t, p, request); d.Effect != Deny || d.Rule != RuleWithdrawn || d.Origin.BuiltIn == "" {
			t.Errorf("%s: %+v", request, d)
		}
	}
	if p.Opens(last.Workspace) != "" || p.Agent != last.Agent || p.Workspace != last.Workspace || p.StateDir != last.StateDir {
		t.Errorf("%+v", p)
	}
}
