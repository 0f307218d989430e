package view

import (
	"net/netip"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"openclaw/configs"
	"openclaw/gateway/event"
	"openclaw/sandbox/policy"
)

func FuzzYAMLWord(f *testing.F) {
	for _, s := range []string{"/a/b", "api.example.test:443", "true", "123", "~", "it's", "a: b", "a #b", "", "10.0.0.7:5432", "@x", "0x1f", "a:"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = Printable(s, 200)
		var got any
		if err := yaml.Unmarshal([]byte("key: "+yamlWord(s)), &got); err != nil {
			t.Fatalf("%q: %v", yamlWord(s), err)
		}
		if m, ok := got.(map[string]any); !ok || m["key"] != s {
			t.Fatalf("%q reads as %v", yamlWord(s), got)
		}
	})
}

// adviceHome is a home folder that no test machine has.
const adviceHome = "/home/ada"

// adviceConfig is a config with one agent, "on", whose name YAML would read as
// true.
func adviceConfig(t *testing.T, text string) *policy.Policy {
	t.Helper()
	snapshot, err := configs.Parse("config.yaml", []byte(text), configs.Options{
		Home: adviceHome, Layout: configs.Layout{Root: adviceHome + "/.openclaw"}, Getenv: func(string) string { return "" }, NoFiles: true,
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	p, err := snapshot.Policy("on")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// withLines is a config with more lines in it: lists grow, the rest is replaced.
func withLines(t *testing.T, text string, lines []string) string {
	t.Helper()
	var one, two map[string]any
	for _, source := range []struct {
		text string
		into *map[string]any
	}{{text, &one}, {strings.Join(lines, "\n"), &two}} {
		if err := yaml.Unmarshal([]byte(source.text), source.into); err != nil {
			t.Fatalf("%v\n%s", err, source.text)
		}
	}
	out, err := yaml.Marshal(merge(one, two))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func merge(have, more any) any {
	switch m := more.(type) {
	case map[string]any:
		h, ok := have.(map[string]any)
		if !ok {
			return m
		}
		for key, value := range m {
			h[key] = merge(h[key], value)
		}
		return h
	case []any:
		h, _ := have.([]any)
		return append(h, m...)
	}
	return more
}

// TestAdviceIsTrue asks the real policy: the lines that the pane shows turn the
// refusal into an allow, and where it says that no config lifts a rule, none of
// the obvious entries does.
func TestAdviceIsTrue(t *testing.T) {
	const permissions = "agents:\n  'on':\n    permissions:\n"
	read := func(path string) policy.Request { return policy.Request{Class: policy.ClassPathRead, Path: path} }
	written := func(path string) policy.Request { return policy.Request{Class: policy.ClassPathWrite, Path: path} }
	name := func(host string, port uint16) policy.Request {
		return policy.Request{Class: policy.ClassNet, Host: host, Port: port}
	}
	address := func(host, text string) policy.Request {
		return policy.Request{Class: policy.ClassNet, Host: host, Address: netip.MustParseAddr(text), Port: 443}
	}
	const domains = "      network: {allowed_domains: [a.test]}\n"
	for _, c := range []struct {
		name, config string
		request      policy.Request
		target       string // as a denial names it
		lines        bool   // the pane offers lines, and they work
		note         string // or this
	}{
		{"read", "      read_only: false\n", read("/home/ada/a: b/c d"), "/home/ada/a: b/c d", true, ""},
		{"read with a dollar", "      read_only: false\n", read("/srv/$HOME"), "/srv/$HOME", true, ""},
		{"read of a pattern", "      read_only: false\n", read("/srv/*.txt"), "/srv/*.txt", false, "allow the folder"},
		{"write", "      read_only: false\n", written("/home/ada/notes.txt"), "/home/ada/notes.txt", true, ""},
		{"run", "      read_only: false\n", policy.Request{Class: policy.ClassExec, Path: "/srv/tool"}, "/srv/tool", true, ""},
		{"write, read_only", "      read_only: true\n", written("/home/ada/.openclaw/agents/on/f"), "", false, "Set read_only to false at config.yaml:4"},
		{"write, file_write", "      file_write: false\n", written("/home/ada/.openclaw/agents/on/f"), "", false, "Set file_write to true at config.yaml:4"},
		{"write, access: read", "      allowed_paths: [{path: /srv, access: read}]\n", written("/srv/f"), "", false, "for reading only"},
		{"denied", "      denied_paths: [/srv/x]\n", read("/srv/x"), "", false, "out of denied_paths at config.yaml:4"},
		{"a key", "      read_only: false\n", read("/home/ada/.ssh/id_ed25519"), "/home/ada/.ssh/id_ed25519", false, "no config lifts this"},
		{"the state", "      read_only: false\n", read("/home/ada/.openclaw/config.yaml"), "/home/ada/.openclaw/config.yaml", false, "no config lifts this"},
		{"the system", "      read_only: false\n", written("/usr/share/x"), "", false, "change none"},
		{"programs", "      execute_commands: false\n", policy.Request{Class: policy.ClassExec, Path: "/usr/bin/ls"}, "", false, "Set execute_commands to true"},
		{"system programs", "      read_only: false\n", policy.Request{Class: policy.ClassExec, Path: "/usr/bin/sudo"}, "/usr/bin/sudo", true, ""},
		{"system programs, written", "      system_commands: false\n", policy.Request{Class: policy.ClassExec, Path: "/usr/bin/sudo"}, "", false, "Set system_commands to true at"},
		{"no network", "      read_only: false\n", name("api.example.test", 0), "api.example.test", true, ""},
		{"no network, address", "      read_only: false\n", address("", "1.1.1.1"), "1.1.1.1:443", true, ""},
		{"network_access: false", "      network_access: false\n", name("a.test", 443), "a.test:443", false, "Set network_access to true at config.yaml:4"},
		{"allow_outbound: false", "      network: {allow_outbound: false}\n", name("a.test", 443), "a.test:443", false, "Set allow_outbound to true"},
		{"another domain", domains, name("b.test", 443), "b.test:443", true, ""},
		{"another domain, look-up", domains, name("b.test", 0), "b.test", true, ""},
		{"an address", domains, address("", "1.1.1.1"), "1.1.1.1:443", true, ""},
		{"an IPv6 address", domains, address("", "2606:4700::1111"), "[2606:4700::1111]:443", true, ""},
		{"a private address", domains, address("", "10.0.0.7"), "10.0.0.7:443", true, ""},
		{"the metadata service", domains, address("", "169.254.169.254"), "169.254.169.254:443", true, ""},
		{"a name with a private address", domains, address("a.test", "10.0.0.7"), "a.test:443", false, "network.allowed_ips for that address"},
		{"an IPv4 address in an IPv6 one", domains, address("", "64:ff9b::a00:7"), "[64:ff9b::a00:7]:443", false, "stands for an IPv4 address"},
		{"blocked", "      network: {allowed_ips: [1.1.1.1], blocked_ips: [1.1.1.1]}\n", address("", "1.1.1.1"), "1.1.1.1:443", false, "out of blocked_ips at config.yaml:4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := permissions + c.config
			d := adviceConfig(t, config).Decide(c.request)
			if d.Effect != policy.Deny {
				t.Fatalf("%+v: not refused to begin with", d)
			}
			got := advise(nil, &event.Denial{Agent: "on", Class: c.request.Class, Target: c.target, Rule: d.Rule, Origin: d.Origin}, adviceHome, "")
			if c.note != "" && !strings.Contains(got.note, c.note) {
				t.Errorf("rule %q: the note is %q", d.Rule, got.note)
			}
			if !c.lines {
				if got.lines != nil {
					t.Errorf("rule %q offers %q", d.Rule, got.lines)
				}
				if strings.Contains(got.note, "no config lifts") {
					all := withLines(t, config, []string{"agents: {'on': {permissions: {system_commands: true, allowed_paths: [/home/ada, '" + c.target + "']}}}"})
					if again := adviceConfig(t, all).Decide(c.request); again.Effect != policy.Deny {
						t.Errorf("a config lifts it after all: %+v", again)
					}
				}
				return
			}
			fixed := withLines(t, config, got.lines)
			if again := adviceConfig(t, fixed).Decide(c.request); again.Effect != policy.Allow {
				t.Errorf("rule %q: still %+v with\n%s", d.Rule, again, fixed)
			}
			if !strings.HasPrefix(got.short, "agents.on.permissions.") {
				t.Errorf("in one line: %q", got.short)
			}
		})
	}
}

// Where the role's list refused, the lines go into the role's list.
// Where an agent's link leads is not offered to be allowed; what the same rule would be
// without the link is.
func TestAdviceDoesNotFollowALink(t *testing.T) {
	unmet := []policy.Unmet{{Path: "/srv/out", Kind: policy.UnmetLink, Link: "/srv/out", Agents: []string{"builder"}, Origin: policy.Origin{File: "config.yaml", Line: 7}}}
	for target, offered := range map[string]bool{"/home/ada/mine": false, "/home/ada/mine/diary": false, "/home/ada/mine2": true, "/srv/out": true} {
		d := policy.LedHere(unmet, "coder", target, policy.Decision{Rule: policy.RuleNone}, func(string) (string, bool) { return "/home/ada/mine", true })
		got := advise(nil, &event.Denial{Agent: "coder", Class: policy.ClassPathRead, Target: target, Rule: d.Rule, Origin: d.Origin}, adviceHome, "")
		if (got.lines != nil) != offered || offered == strings.Contains(got.note, "config.yaml:7 leads here by a link") {
			t.Errorf("%s: %+v", target, got)
		}
	}
}

// Who may not set a bit is not told to copy the file.
func TestAdviceOnSetIDBits(t *testing.T) {
	d := event.Denial{Agent: "coder", Class: policy.ClassPathWrite, Target: "/home/ada/p/d", Rule: "built-in: no file or folder gets a set-user-ID or set-group-ID bit", Origin: policy.Origin{BuiltIn: "rights"}}
	if got := advise(nil, &d, adviceHome, ""); got.lines != nil || !strings.Contains(got.note, "Without the bit") || strings.Contains(got.note, "Copy") {
		t.Errorf("%+v", got)
	}
}

// What the call filter refuses is no path and no address: nobody is told to list one.
func TestAdviceOnBarredCalls(t *testing.T) {
	for _, c := range []struct {
		class                            policy.Class
		operation, target, rule, builtIn string
		note                             string
	}{
		{policy.ClassNet, "socket", "a UNIX datagram socket", "built-in: no UNIX datagram socket (syslog and sd_notify need one)", "it sends to any socket", "to a file"},
		{policy.ClassNet, "socket", "a socket for ICMP", "built-in: no ICMP (ping) and no raw sockets", "packets", "TCP connection"},
		{policy.ClassNet, "socket", "a packet socket", "built-in: no sockets but UNIX, TCP and UDP ones", "nothing here", "no config lifts this."},
		{policy.ClassNet, "socket", "a UDP socket", "reduced mode: no UDP", "what only a full cage can open", "openclaw doctor"},
		{policy.ClassNet, "socket", "a TCP socket", "no network_access", "default", "network.allowed_domains"},
		{policy.ClassNet, "socket", "a TCP socket", "no network_access", "", "network.allowed_domains"},
		{policy.ClassPathWrite, "fcntl", "/home/ada/p/f", "built-in: no lease on a file", "others", "no config lifts this."},
		{policy.ClassExec, "mount", "a mount", "nested: false", "", "Set nested to true"},
	} {
		d := event.Denial{Agent: "coder", Class: c.class, Operation: c.operation, Target: c.target, Rule: c.rule, Origin: policy.Origin{BuiltIn: c.builtIn}, Mechanism: "filter"}
		if got := advise(nil, &d, adviceHome, ""); got.lines != nil || got.short != "" || !strings.Contains(got.note, c.note) || strings.Contains(got.note, "Copy") || strings.Contains(got.note, "stands for an address") {
			t.Errorf("%s: %+v", c.target, got)
		}
	}
	other := event.Denial{Agent: "coder", Class: policy.ClassNet, Rule: "nested: no socket with a path is reached", Origin: policy.Origin{BuiltIn: "x"}}
	if got := advise(nil, &other, adviceHome, ""); strings.Contains(got.note, "to true") {
		t.Errorf("a rule of nested: true: %+v", got)
	}
}

// What only a full cage can open no line in the config opens, whatever it is.
func TestAdviceInTheReducedMode(t *testing.T) {
	for _, d := range []event.Denial{
		{Class: policy.ClassExec, Target: "shmget", Rule: "reduced mode: memory, semaphores and queues by number or name are the whole machine's"},
		{Class: policy.ClassNet, Target: "listen", Rule: "reduced mode: a port would be open to the whole machine"},
		{Class: policy.ClassPathWrite, Target: "/dev/ptmx", Rule: "reduced mode: /dev is the machine's own here"},
	} {
		d.Agent, d.Origin = "coder", policy.Origin{BuiltIn: "what only a full cage can open"}
		if got := advise(nil, &d, adviceHome, ""); got.lines != nil || got.short != "" || !strings.Contains(got.note, "openclaw doctor") {
			t.Errorf("%s: %+v", d.Target, got)
		}
	}
}

func TestAdviceForARole(t *testing.T) {
	const config = "roles:\n  dev:\n    permissions:\n      network: {allowed_domains: [a.test]}\nagents:\n  'on':\n    role: dev\n"
	request := policy.Request{Class: policy.ClassNet, Host: "b.test", Port: 443}
	d := adviceConfig(t, config).Decide(request)
	got := advise(nil, &event.Denial{Agent: "on", Class: request.Class, Target: "b.test:443", Rule: d.Rule, Origin: d.Origin}, adviceHome, "dev")
	if again := adviceConfig(t, withLines(t, config, got.lines)).Decide(request); again.Effect != policy.Allow || !strings.Contains(got.note, "dev") {
		t.Errorf("rule %q: %+v with %q", d.Rule, again, got)
	}
}

func FuzzAdvice(f *testing.F) {
	for _, s := range []string{"", "[::1]:80", "a:b:c", "x:", "/a*", "fe80::1%eth0", "built-in: x", "an address of this machine: 10.0.0.1"} {
		f.Add(s, s, true)
	}
	f.Fuzz(func(t *testing.T, target, rule string, builtIn bool) {
		for _, class := range []policy.Class{policy.ClassNet, policy.ClassExec, policy.ClassPathRead, policy.ClassPathWrite} {
			d := event.Denial{Agent: Printable(target, 60), Class: class, Target: Printable(target, 200), Rule: Printable(rule, 200)}
			if builtIn {
				d.Origin.BuiltIn = d.Rule
			}
			got := advise(nil, &d, "/home/ada", "")
			var tree map[string]any
			if err := yaml.Unmarshal([]byte(strings.Join(got.lines, "\n")), &tree); err != nil {
				t.Fatalf("%v\n%s", err, strings.Join(got.lines, "\n"))
			}
		}
	})
}
