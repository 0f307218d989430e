package policy

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// permissions reads the text of a `permissions:` mapping as a config has it,
// where an entry of allowed_paths may be only a path.
func permissions(tb testing.TB, text string) (p Permissions) {
	tb.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		tb.Fatalf("read permissions: %v", err)
	}
	root := doc.Content[0]
	for i := 0; i < len(root.Content); i += 2 {
		if root.Content[i].Value != "allowed_paths" {
			continue
		}
		for _, entry := range root.Content[i+1].Content {
			if entry.Kind == yaml.ScalarNode {
				value := *entry
				*entry = yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: "path"}, &value}}
			}
		}
	}
	if err := root.Decode(&p); err != nil {
		tb.Fatalf("read permissions: %v", err)
	}
	return p
}

// input is an agent "coder" of a person at /home/ada.
func input(tb testing.TB, role, own string) Input {
	tb.Helper()
	in := Input{
		Agent: "coder", Home: "/home/ada", StateDir: "/home/ada/.openclaw", OwnKey: "agents.coder",
		Own: permissions(tb, own),
		Getenv: func(name string) string {
			return map[string]string{"WORK": "/srv/work", "ODD": "/srv/a[1]*b", "LINES": "/srv/a\n/srv/b", "BYTES": "/srv/\xff"}[name]
		},
		Where: func(key string) (string, int) { return "/home/ada/.openclaw/config.yaml", 10 + strings.Count(key, ".") },
	}
	if role != "" {
		in.Role, in.RoleKey = permissions(tb, role), "roles.base"
	}
	return in
}

func compiled(tb testing.TB, role, own string) *Policy {
	tb.Helper()
	p, problems := Compile(input(tb, role, own))
	if p == nil {
		tb.Fatalf("no policy: %v", problems)
	}
	return p
}

// decide takes "read /path", "write /path", "exec /path", "look-up host",
// "connect host:port" or "dial host=address:port".
func decide(tb testing.TB, p *Policy, request string) Decision {
	tb.Helper()
	r := parseRequest(tb, request)
	d, e := p.Decide(r), p.Explain(r)
	if d.Effect != e.Effect || d.Rule != e.Rule || d.Origin != e.Origin {
		tb.Errorf("%s: Decide says %v %q, Explain %v %q", request, d.Effect, d.Rule, e.Effect, e.Rule)
	}
	return d
}

func parseRequest(tb testing.TB, request string) Request {
	tb.Helper()
	verb, target, _ := strings.Cut(request, " ")
	switch verb {
	case "read":
		return Request{Class: ClassPathRead, Path: target}
	case "write":
		return Request{Class: ClassPathWrite, Path: target}
	case "exec":
		return Request{Class: ClassExec, Path: target}
	case "look-up":
		return Request{Class: ClassNet, Host: target}
	case "connect":
		i := strings.LastIndexByte(target, ':')
		return Request{Class: ClassNet, Host: target[:i], Port: port(tb, target[i+1:])}
	case "dial":
		host, address, _ := strings.Cut(target, "=")
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			tb.Fatal(err)
		}
		return Request{Class: ClassNet, Host: host, Address: ap.Addr(), Port: ap.Port()}
	}
	tb.Fatalf("no such request: %s", request)
	return Request{}
}

func port(tb testing.TB, s string) (n uint16) {
	tb.Helper()
	if _, err := fmt.Sscan(s, &n); err != nil {
		tb.Fatal(err)
	}
	return n
}

type want struct {
	request string
	effect  Effect
	rule    string
}

func check(t *testing.T, p *Policy, wants []want) {
	t.Helper()
	for _, w := range wants {
		d := decide(t, p, w.request)
		if d.Effect != w.effect || w.rule != "" && d.Rule != w.rule {
			t.Errorf("%s: %s by %q, want %s by %q", w.request, d.Effect, d.Rule, w.effect, w.rule)
		}
	}
}

func TestAgentWithNothingWritten(t *testing.T) {
	check(t, compiled(t, "", "{}"), []want{
		{"read /home/ada/.openclaw/agents/coder/x", Allow, "workspace: ~/.openclaw/agents/coder"},
		{"write /home/ada/.openclaw/agents/coder", Allow, ""},
		{"read /home/ada/.openclaw/agents/coder2/x", Deny, "built-in: openclaw's own state"},
		{"read /home/ada/.openclaw", Deny, "built-in: openclaw's own state"},
		{"read /home/ada/.openclaw/config.yaml", Deny, "built-in: openclaw's own state"},
		{"read /home/ada", Deny, "not in allowed_paths"},
		{"read /home/ada/notes.txt", Deny, "not in allowed_paths"},
		{"read /home/ada/.ssh/id_ed25519", Deny, "built-in: SSH keys"},
		{"read /", Deny, "not in allowed_paths"},
		{"read /usr/lib/libc.so", Allow, "system folder: /usr"},
		{"write /usr/lib/libc.so", Deny, "system folder: /usr (read only)"},
		{"read /etc/passwd", Allow, ""},
		{"read /etc/shadow", Deny, "built-in: account database"},
		{"read /etc/shadow.txt", Allow, ""},
		{"read /home/ada/.gitconfig", Allow, ""},
		{"write /home/ada/.gitconfig", Deny, ""},
		{"read /home/ada/.config/git/credentials", Deny, "built-in: stored logins"},
		{"write /tmp/x", Allow, ""},
		{"write /dev/null", Allow, ""},
		{"read /dev/sda", Deny, "not in allowed_paths"},
		{"read /run/user/1000/bus", Deny, "built-in: sockets of the person's session"},
		{"write /proc/sys/kernel/core_pattern", Deny, "system folder: /proc/sys (read only)"},
		{"exec /usr/bin/ls", Allow, ""},
		{"exec /home/ada/bin/tool", Deny, "not in allowed_paths"},
		{"exec /usr/bin/sudo", Deny, "system_commands: false"},
		{"exec /usr/sbin/mkfs.ext4", Deny, "system_commands: false"},
		{"look-up example.com", Deny, "no network_access"},
		{"dial =1.1.1.1:443", Deny, "no network_access"},
	})
}
