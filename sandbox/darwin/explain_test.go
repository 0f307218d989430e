package darwin

import (
	"testing"

	"openclaw/sandbox/policy"
)

func TestExplain(t *testing.T) {
	p, problems := policy.Compile(policy.Input{
		Agent: "coder", Home: "/Users/ada", StateDir: "/Users/ada/.openclaw", OwnKey: "agents.coder",
		Own: policy.Permissions{
			AllowedPaths: []policy.PathEntry{{Path: "~/a", Access: policy.AccessRead}, {Path: "/etc/x"}}, DeniedPaths: []string{"~/a/secret", "/etc/x/y"},
			Ask: []policy.Class{policy.ClassPathRead},
		},
	})
	if p == nil {
		t.Fatal(problems)
	}
	tests := []struct {
		op, target, tag string
		class           policy.Class // empty: not told
		rule            string
	}{
		{"file-read-data", "/Users/ada/a/secret/k", "0", policy.ClassPathRead, "denied_paths: ~/a/secret"},
		{"file-write-create", "/Users/ada/a/new", indexTag(ruleIndex(t, p, "/Users/ada/a")), policy.ClassPathWrite, "allowed_paths: ~/a (access: read)"},
		{"file-read-data", "/Users/ada/other", TagDefault, policy.ClassPathRead, "not in allowed_paths (to be asked: allow it, and run again)"},
		{"file-write-data", "/Users/ada/other", TagDefault, policy.ClassPathWrite, "not in allowed_paths"},
		{"file-read-data", "/private/etc/x/y", "9999", policy.ClassPathRead, "not in allowed_paths (to be asked: allow it, and run again)"},
		{"file-read-data", "/tmp/x", TagDefault, policy.ClassPathRead, "built-in: not there in a cage on macOS"},
		{"process-exec", "/usr/bin/sudo", TagSystem, policy.ClassExec, "system_commands: false"},
		{"process-exec", "/usr/bin/ls", TagExec, policy.ClassExec, "execute_commands: false"},
		{"file-link", "/Users/ada/a/f", TagLink, policy.ClassPathWrite, "built-in: a file gets no second name, by which a rule would not know it"},
		{"file-write-unlink", "/Users/ada", TagPinned, policy.ClassPathWrite, "built-in: a folder that a rule names, or that lies above one, stays in its place"},
		{"mach-lookup", "com.apple.dnssd.service", TagNames, policy.ClassNet, "built-in: names are looked up by the proxy; a look-up of its own has no way out"},
		{"network-outbound", "1.2.3.4:443", TagDefault, policy.ClassNet, "built-in: the network is reached through the proxy of HTTP_PROXY alone"},
		{"mach-lookup", "com.apple.tccd", TagDefault, "", ""},
		{"sysctl-read", "kern.proc", TagDefault, "", ""},
	}
	for _, test := range tests {
		r := Refusal{Operation: test.op, Target: test.target, Tag: Tag{"r", test.tag}}
		e, ok := r.Explain(p)
		if ok != (test.class != "") || e.Class != test.class || e.Rule != test.rule {
			t.Errorf("%s %s (%s): %+v", test.op, test.target, test.tag, e)
		}
		if ok && e.Origin == (policy.Origin{}) {
			t.Errorf("%s %s: no origin", test.op, test.target)
		}
	}
}

func ruleIndex(t *testing.T, p *policy.Policy, path string) int {
	t.Helper()
	for i := range p.Paths {
		if p.Paths[i].Path == path && p.Paths[i].Effect == policy.Allow {
			return i
		}
	}
	t.Fatalf("no rule for %s", path)
	return 0
}
