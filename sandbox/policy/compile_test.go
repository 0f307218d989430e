package policy

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSpecificationExample(t *testing.T) {
	p := compiled(t, "", `
read_only: false
allowed_paths: [~/projects/project-a, ~/documents/work]
denied_paths: [~/.ssh, ~/.aws, ~/.openclaw/config.yaml]
network:
  allow_outbound: true
  allowed_domains: [api.anthropic.com, api.openai.com]
  blocked_ips: [192.168.1.0/24]
`)
	check(t, p, []want{
		{"write /home/ada/projects/project-a/main.go", Allow, "allowed_paths: ~/projects/project-a"},
		{"read /home/ada/projects/project-ab", Deny, "not in allowed_paths"},
		{"read /home/ada/.ssh/id_ed25519", Deny, "denied_paths: ~/.ssh"},
		{"look-up api.anthropic.com", Allow, "allowed_domains: api.anthropic.com"},
		{"look-up API.Anthropic.Com.", Allow, ""},
		{"connect api.openai.com:443", Allow, ""},
		{"look-up evil.api.openai.com", Deny, "not in allowed_domains"},
		{"dial api.openai.com=192.168.1.9:443", Deny, "blocked_ips: 192.168.1.0/24"},
		{"dial api.openai.com=192.168.2.9:443", Deny, "built-in: private address"},
		{"dial api.openai.com=104.18.7.192:443", Allow, "allowed_domains: api.openai.com"},
		{"dial other.test=104.18.7.192:443", Deny, "not in allowed_domains"},
		{"dial =104.18.7.192:443", Deny, "not in allowed_ips"},
	})
	d := decide(t, p, "read /home/ada/.ssh")
	if d.Origin.Key != "agents.coder.permissions.denied_paths[0]" || d.Origin.String() != "config.yaml:13" {
		t.Errorf("the denial names %+v (%s)", d.Origin, d.Origin)
	}
	if got := decide(t, p, "read /home/ada/.gnupg").Origin.String(); got != "built-in" {
		t.Errorf("a built-in rule is named %q", got)
	}
}

func TestRoleAndAgentIntersect(t *testing.T) {
	tests := []struct {
		name, role, own string
		wants           []want
	}{
		{"read-only role", "{file_write: false, execute_commands: false, network_access: false}", "{network: {allow_outbound: true}}", []want{
			{"read /home/ada/.openclaw/agents/coder/x", Allow, ""},
			{"write /home/ada/.openclaw/agents/coder/x", Deny, "file_write: false"},
			{"exec /usr/bin/ls", Deny, "execute_commands: false"},
			{"look-up example.com", Deny, "network_access: false"},
		}},
		{"role alone opens the network", "{network_access: true, system_commands: true}", "{}", []want{
			{"look-up example.com", Allow, "network_access: true"},
			{"exec /usr/bin/mount", Allow, ""},
		}},
		{"agent refuses what the role gives", "{network_access: true, system_commands: true, execute_commands: true}",
			"{system_commands: false, network: {allow_outbound: false}}", []want{
				{"look-up example.com", Deny, "allow_outbound: false"},
				{"exec /usr/bin/mount", Deny, "system_commands: false"},
			}},
		{"paths", "{allowed_paths: [~/a, {path: ~/b, access: read}, ~/c/d]}", "{allowed_paths: [~/a/x, ~/b, ~/c, ~/z]}", []want{
			{"write /home/ada/a/x/f", Allow, "allowed_paths: ~/a/x"},
			{"read /home/ada/a/y", Deny, ""},
			{"read /home/ada/b/f", Allow, ""},
			{"write /home/ada/b/f", Deny, "allowed_paths: ~/b (access: read)"},
			{"write /home/ada/c/d/f", Allow, ""},
			{"read /home/ada/c/e", Deny, ""},
			{"read /home/ada/z", Deny, ""},
		}},
		{"denials of both", "{denied_paths: [~/a/one]}", "{allowed_paths: [~/a], denied_paths: [~/a/two]}", []want{
			{"read /home/ada/a/one/f", Deny, "denied_paths: ~/a/one"},
			{"read /home/ada/a/two", Deny, "denied_paths: ~/a/two"},
			{"read /home/ada/a/three", Allow, ""},
		}},
		{"domains", "{network: {allowed_domains: ['*.example.com', 'one.test:443']}}", "{network: {allowed_domains: ['api.example.com', 'one.test', '*.b.example.com:80']}}", []want{
			{"look-up api.example.com", Allow, ""},
			{"look-up www.example.com", Deny, ""},
			{"connect one.test:443", Allow, "allowed_domains: one.test:443"},
			{"connect one.test:80", Deny, ""},
			{"connect x.b.example.com:80", Allow, ""},
			{"connect x.b.example.com:81", Deny, ""},
			{"connect b.example.com:80", Deny, ""},
		}},
		{"a name and what lies below it", "{network: {allowed_domains: [a.test]}}", "{network: {allowed_domains: ['*.a.test']}}", []want{
			{"look-up a.test", Deny, ""},
			{"look-up b.a.test", Deny, ""},
		}},
		{"a wide range does not lift a block", "{network: {allowed_ips: ['127.0.0.1:80']}}", "{network: {allowed_ips: ['0.0.0.0/0']}}", []want{
			{"dial =127.0.0.1:80", Deny, ""},
		}},
		{"addresses", "{network: {allowed_ips: [10.0.0.0/8]}}", "{network: {allowed_ips: ['10.1.0.0/16:5432', 192.168.0.1]}}", []want{
			{"dial =10.1.2.3:5432", Allow, ""},
			{"dial =10.1.2.3:22", Deny, ""},
			{"dial =10.2.2.3:5432", Deny, ""},
			{"dial =192.168.0.1:5432", Deny, ""},
		}},
		{"asks", "{ask: [net, exec, path.read]}", "{ask: [path.read, path.write]}", []want{
			{"read /home/ada/x", Ask, "not in allowed_paths"},
			{"write /home/ada/x", Deny, ""},
			{"look-up example.com", Deny, ""},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { check(t, compiled(t, test.role, test.own), test.wants) })
	}
}

func TestLimits(t *testing.T) {
	p := compiled(t, "{max_file_size: 100, ask_timeout: 30s, never_always: [exec], enforce: reduced}",
		"{max_file_size: 200, ask_timeout: 20s, never_always: [net, exec]}")
	if p.MaxFileSize != 100 || p.MaxOrigin.Key != "roles.base.permissions.max_file_size" {
		t.Errorf("max_file_size %d from %s", p.MaxFileSize, p.MaxOrigin.Key)
	}
	if p.AskTimeout != 20*time.Second || !slices.Equal(p.NeverAlways, []Class{ClassNet, ClassExec}) || p.Enforce != EnforceReduced {
		t.Errorf("ask_timeout %v, never_always %v, enforce %v", p.AskTimeout, p.NeverAlways, p.Enforce)
	}
	if p := compiled(t, "{enforce: reduced}", "{enforce: strict}"); p.Enforce != EnforceStrict {
		t.Error("the agent's strict is lost")
	}
	if p := compiled(t, "{enforce: strict}", "{enforce: reduced}"); p.Enforce != EnforceStrict {
		t.Error("the role's strict is lost")
	}
	if p := compiled(t, "", "{}"); p.Enforce != EnforceStrict || p.AskTimeout != time.Minute {
		t.Errorf("defaults: %v, %v", p.Enforce, p.AskTimeout)
	}
}

func TestDeniedWinsInsideAllowed(t *testing.T) {
	check(t, compiled(t, "", `
allowed_paths: [~/p, $WORK, '/srv/$$x']
denied_paths: ['~/p/**/.env', '**/*.pem', ~/p/secret, '$ODD/[a-c]?.key', '~/p/[!a-y]tail']
`), []want{
		{"read /home/ada/p/.env", Deny, "denied_paths: ~/p/**/.env"},
		{"write /home/ada/p/a/b/.env", Deny, ""},
		{"read /home/ada/p/a/.env/below", Deny, ""},
		{"read /home/ada/p/a/.environment", Allow, ""},
		{"read /srv/work/tls/x.pem", Deny, "denied_paths: **/*.pem"},
		{"read /srv/work/tls/x.pem.txt", Allow, ""},
		{"read /srv/$x/f", Allow, ""},
		{"read /home/ada/p/secret", Deny, ""},
		{"read /home/ada/p/secrets", Allow, ""},
		{"read /home/ada/p/ztail", Deny, ""},
		{"read /home/ada/p/atail", Allow, ""},
		{"read /srv/a[1]*b/b7.key", Deny, "denied_paths: $ODD/[a-c]?.key"},
		{"read /srv/a1b/b7.key", Deny, "not in allowed_paths"},
	})
}

func TestNoConfigLiftsTheBuiltIns(t *testing.T) {
	in := input(t, "", `{allowed_paths: [/, '~', ~/.ssh, ~/.openclaw, ~/other, /run/user/1000, /etc/shadow, ~/.mozilla]}`)
	in.OtherWorkspaces = []string{"~/other/reviewer", "/home/ada/.openclaw/agents/second", "~/.openclaw/agents/coder/inner"}
	p, problems := Compile(in)
	if p == nil {
		t.Fatal(problems)
	}
	check(t, p, []want{
		{"read /home/ada/.ssh", Deny, "built-in: SSH keys"},
		{"read /home/ada/.openclaw/keys/x", Deny, ""},
		{"read /home/ada/.openclaw/agents/second/x", Deny, ""},
		{"read /home/ada/.openclaw/agents/coder/inner/x", Deny, "built-in: another agent's workspace"},
		{"read /home/ada/.openclaw/agents/coder/x", Allow, ""},
		{"read /home/ada/other/reviewer/x", Deny, "built-in: another agent's workspace"},
		{"read /home/ada/other/x", Allow, ""},
		{"read /run/user/1000/bus", Deny, ""},
		{"read /etc/shadow", Deny, ""},
		{"read /home/ada/.mozilla/firefox/p/cookies.sqlite", Deny, "built-in: browser profile"},
		{"write /home/ada/notes", Allow, ""},
		{"write /usr/bin/x", Deny, ""},
	})
	var text strings.Builder
	for _, q := range problems {
		if !q.Warning {
			t.Errorf("unexpected error: %+v", q)
		}
		text.WriteString(q.Key + ": " + q.Message + "\n")
	}
	for _, w := range []string{"allowed_paths[0]: this opens the whole machine", "allowed_paths[1]: this opens your home folder", "allowed_paths[2]: this is never allowed, because of built-in: SSH keys"} {
		if !strings.Contains(text.String(), w) {
			t.Errorf("no warning %q in:\n%s", w, text.String())
		}
	}
}

func TestSharedAndNestedWorkspaces(t *testing.T) {
	in := input(t, "", "{}")
	in.Workspace, in.OtherWorkspaces = "~/shared/coder", []string{"~/shared", "~/shared/coder"}
	p, problems := Compile(in)
	if p == nil || len(problems) != 1 || !problems[0].Warning {
		t.Fatalf("%v", problems)
	}
	check(t, p, []want{
		{"write /home/ada/shared/coder/x", Allow, "workspace: ~/shared/coder"},
		{"read /home/ada/shared/x", Deny, "built-in: another agent's workspace"},
	})
}

func TestProblems(t *testing.T) {
	tests := []struct{ name, own, key, message string }{
		{"relative path", "{allowed_paths: [projects]}", "agents.coder.permissions.allowed_paths[0]", "relative"},
		{"parent folder", "{denied_paths: [~/a/../b]}", "agents.coder.permissions.denied_paths[0]", "without it"},
		{"pattern in allowed", "{allowed_paths: ['~/a/*']}", "agents.coder.permissions.allowed_paths[0]", "only in denied_paths"},
		{"unset variable", "{denied_paths: [$NOWHERE/x]}", "agents.coder.permissions.denied_paths[0]", "NOWHERE is not set"},
		{"other home", "{allowed_paths: [~bob/x]}", "agents.coder.permissions.allowed_paths[0]", "another person's home"},
		{"empty path", "{allowed_paths: ['']}", "agents.coder.permissions.allowed_paths[0]", "empty"},
		{"control character", `{denied_paths: ["/a\x1b[2J"]}`, "agents.coder.permissions.denied_paths[0]", "control"},
		{"paths in one entry", `{denied_paths: ["~/a\n~/b"]}`, "agents.coder.permissions.denied_paths[0]", "one path an entry"},
		{"paths in one block", "{denied_paths: [\"/a\\n/b\"]}", "agents.coder.permissions.denied_paths[0]", "one path an entry"},
		{"end of a block", `{allowed_paths: ["~/a\n"]}`, "agents.coder.permissions.allowed_paths[0]", "inside a name"},
		{"lines in a variable", `{denied_paths: [$LINES]}`, "agents.coder.permissions.denied_paths[0]", "LINES holds a line break"},
		{"bytes in a variable", `{allowed_paths: [$BYTES/x]}`, "agents.coder.permissions.allowed_paths[0]", "not UTF-8"},
		{"bad class", "{denied_paths: ['/a/[b']}", "agents.coder.permissions.denied_paths[0]", "no ]"},
		{"bad stars", "{denied_paths: ['/a/b**']}", "agents.coder.permissions.denied_paths[0]", "stands alone"},
		{"bad access", "{allowed_paths: [{path: ~/a, access: all}]}", "agents.coder.permissions.allowed_paths[0].access", "read or write"},
		{"size", "{max_file_size: 0}", "agents.coder.permissions.max_file_size", "at least 1"},
		{"class", "{ask: [files]}", "agents.coder.permissions.ask[0]", "not known"},
		{"enforce", "{enforce: maybe}", "agents.coder.permissions.enforce", "strict or reduced"},
		{"timeout", "{ask_timeout: 0s}", "agents.coder.permissions.ask_timeout", "between"},
		{"URL", "{network: {allowed_domains: ['https://a.test/']}}", "agents.coder.permissions.network.allowed_domains[0]", "only the host"},
		{"star alone", "{network: {allowed_domains: ['*']}}", "agents.coder.permissions.network.allowed_domains[0]", "network_access: true"},
		{"star inside", "{network: {allowed_domains: ['a.*.test']}}", "agents.coder.permissions.network.allowed_domains[0]", "only at the start"},
		{"address as domain", "{network: {allowed_domains: ['10.0.0.1:80']}}", "agents.coder.permissions.network.allowed_domains[0]", "allowed_ips"},
		{"not ASCII", "{network: {allowed_domains: ['bücher.test']}}", "agents.coder.permissions.network.allowed_domains[0]", "ASCII"},
		{"domain's port", "{network: {allowed_domains: ['a.test:0']}}", "agents.coder.permissions.network.allowed_domains[0]", "port"},
		{"name as address", "{network: {blocked_ips: ['a.test']}}", "agents.coder.permissions.network.blocked_ips[0]", "not an address"},
		{"blocked port", "{network: {blocked_ips: ['10.0.0.1:80']}}", "agents.coder.permissions.network.blocked_ips[0]", "every port"},
		{"range", "{network: {allowed_ips: ['10.0.0.0/33']}}", "agents.coder.permissions.network.allowed_ips[0]", "range"},
		{"zone", "{network: {allowed_ips: ['fe80::1%eth0']}}", "agents.coder.permissions.network.allowed_ips[0]", "zone"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, problems := Compile(input(t, "", test.own))
			if p != nil {
				t.Error("there is a policy in spite of the error")
			}
			if len(problems) != 1 || problems[0].Warning || problems[0].Key != test.key || !strings.Contains(problems[0].Message, test.message) {
				t.Errorf("problems: %+v", problems)
			}
		})
	}
}

// A name with a line break in it can be written, and no text of a rule breaks its line.
// A ? stands for it too, and for one byte that is no UTF-8.
func TestOddBytesInPaths(t *testing.T) {
	p := compiled(t, "", `{allowed_paths: ["~/a\nb", {path: "~/c\nd", access: read}], denied_paths: ["~/a\nb/e\nf", "~/a\nb/x?y"]}`)
	check(t, p, []want{
		{"write /home/ada/a\nb/x", Allow, `allowed_paths: ~/a\nb`},
		{"write /home/ada/a", Deny, ""},
		{"write /home/ada/c\nd/x", Deny, `allowed_paths: ~/c\nd (access: read)`},
		{"read /home/ada/a\nb/e\nf", Deny, `denied_paths: ~/a\nb/e\nf`},
		{"read /home/ada/a\nb/x\xffy", Deny, `denied_paths: ~/a\nb/x?y`},
		{"read /home/ada/a\nb/x\ny", Deny, `denied_paths: ~/a\nb/x?y`},
		{"read /home/ada/a\nb/xéy", Deny, `denied_paths: ~/a\nb/x?y`},
		{"read /home/ada/a\nb/xzzy", Allow, ""},
	})
}

func TestPlacesThatCannotBe(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Input)
	}{
		{"agent climbs out", func(in *Input) { in.Agent = "../x" }},
		{"agent is a dot", func(in *Input) { in.Agent = ".." }},
		{"no home", func(in *Input) { in.Home = "" }},
		{"relative state folder", func(in *Input) { in.StateDir = "state" }},
		{"workspace is the machine", func(in *Input) { in.Workspace = "/" }},
		{"workspace is the state folder", func(in *Input) { in.Workspace = "~/.openclaw" }},
		{"workspace holds the state folder", func(in *Input) { in.Workspace = "~" }},
		{"workspace among the keys", func(in *Input) { in.Workspace = "~/.openclaw/keys" }},
		{"workspace is every workspace", func(in *Input) { in.Workspace = "~/.openclaw/agents" }},
		{"workspace among key material", func(in *Input) { in.Workspace = "~/.ssh/x" }},
		{"workspace is denied", func(in *Input) { in.Workspace, in.Own.DeniedPaths = "~/w", []string{"~/w"} }},
		{"odd variable", func(in *Input) { in.Env = []string{"A=B"} }},
		{"too many entries", func(in *Input) { in.Own.DeniedPaths = make([]string, maxEntries+1) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := input(t, "", "{}")
			test.change(&in)
			if p, problems := Compile(in); p != nil || len(problems) == 0 {
				t.Errorf("a policy came of it: %+v", p)
			}
		})
	}
}

func TestAllErrorsAtOnce(t *testing.T) {
	_, problems := Compile(input(t, "", "{allowed_paths: [a, b], ask: [x], network: {blocked_ips: [y]}}"))
	if len(problems) != 4 {
		t.Errorf("%d problems: %+v", len(problems), problems)
	}
}

func TestPolicyTravelsAsJSON(t *testing.T) {
	p := compiled(t, "", "{allowed_paths: [~/a], network: {allowed_domains: ['*.x.test:443'], allowed_ips: ['10.0.0.0/8:1']}, ask: [exec]}")
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var q Policy
	if err := json.Unmarshal(data, &q); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(p, &q) {
		t.Error("the policy changed on its way")
	}
}

func TestVersionFollowsContent(t *testing.T) {
	a, b, c := compiled(t, "", "{}"), compiled(t, "", "{}"), compiled(t, "", "{read_only: true}")
	if a.Version == "" || a.Version != b.Version || a.Version == c.Version {
		t.Errorf("versions %q %q %q", a.Version, b.Version, c.Version)
	}
}

func TestSystemProgramsAreSorted(t *testing.T) {
	if !slices.IsSorted(SystemPrograms()) {
		t.Error("the list is searched by halves and must be sorted")
	}
}

func TestNilAndEmptyPolicyDenyAll(t *testing.T) {
	for _, p := range []*Policy{nil, {}} {
		for _, r := range []Request{
			{}, {Class: "other"}, {Class: ClassPathRead, Path: "/usr"}, {Class: ClassExec, Path: "/bin/sh"},
			{Class: ClassNet, Host: "a.test"}, {Class: ClassNet, Address: netip.MustParseAddr("1.1.1.1"), Port: 1},
		} {
			if d := p.Decide(r); d.Effect != Deny || d.Rule == "" {
				t.Errorf("%+v: %+v", r, d)
			}
		}
	}
}

// What an agent writes is what its policy opens to it for writing, by the same rules.
func TestWrites(t *testing.T) {
	for _, one := range []struct {
		role, own string
		want      []string
	}{
		{"", "{}", []string{"/home/ada/.openclaw/agents/coder"}},
		{"", "{allowed_paths: [~/b, {path: ~/r, access: read}, {path: ~/a, access: write}]}", []string{"/home/ada/.openclaw/agents/coder", "/home/ada/a", "/home/ada/b"}},
		{"{allowed_paths: [~/a, {path: ~/b, access: read}]}", "{allowed_paths: [~/a/in, ~/b, ~/c]}", []string{"/home/ada/.openclaw/agents/coder", "/home/ada/a/in"}},
		{"{read_only: true}", "{allowed_paths: [~/a]}", nil},
		{"", "{file_write: false, allowed_paths: [~/a]}", nil},
	} {
		in := input(t, one.role, one.own)
		got := Writes(in)
		if !slices.Equal(got, one.want) {
			t.Errorf("%s %s: %q", one.role, one.own, got)
		}
		p, problems := Compile(in)
		if p == nil {
			t.Fatal(problems)
		}
		for _, name := range got {
			if p.Decide(Request{Class: ClassPathWrite, Path: name + "/x"}).Effect != Allow {
				t.Errorf("%s %s: %s is not open", one.role, one.own, name)
			}
		}
	}
}
