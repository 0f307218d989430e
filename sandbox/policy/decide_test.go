package policy

import (
	"net/netip"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	p := compiled(t, "", "{network: {allowed_domains: ['api.x.test', '*.wild.test', 'ported.test:8443', '*.api.x.test:443', _srv.x.test, xn--bcher-kva.test]}}")
	long := strings.Repeat("a", 64) + ".wild.test"
	check(t, p, []want{
		{"look-up api.x.test", Allow, ""},
		{"look-up API.X.test.", Allow, ""},
		{"look-up api.x.test..", Deny, "not a host name"},
		{"look-up xapi.x.test", Deny, "not in allowed_domains"},
		{"look-up wild.test", Deny, "not in allowed_domains"},
		{"look-up a.wild.test", Allow, "allowed_domains: *.wild.test"},
		{"look-up a.b.c.wild.test", Allow, ""},
		{"look-up .wild.test", Deny, "not a host name"},
		{"look-up awild.test", Deny, ""},
		{"look-up a.wild.test.evil.test", Deny, ""},
		{"look-up " + long, Deny, "not a host name"},
		{"look-up ported.test", Allow, ""},
		{"connect ported.test:8443", Allow, ""},
		{"connect ported.test:443", Deny, ""},
		{"look-up _srv.x.test", Allow, ""},
		{"look-up XN--BCHER-KVA.test", Allow, ""},
		{"look-up bücher.test", Deny, "not a host name"},
		{"look-up a\x00.wild.test", Deny, "not a host name"},
		{"look-up a b.wild.test", Deny, "not a host name"},
		{"look-up -a.wild.test", Deny, "not a host name"},
		{"look-up 127.1", Deny, "not a host name"},
		{"look-up 0x7f000001", Deny, "not a host name"},
		{"look-up 0x7f.1", Deny, "not a host name"},
		{"look-up 2130706433", Deny, "not a host name"},
		{"look-up ", Deny, "not a host name"},
		{"look-up 1.1.1.1", Deny, "not in allowed_ips"},
		{"look-up [::1]", Deny, "not a host name"},
		{"look-up ::1", Deny, "built-in: loopback address"},
	})
}

func TestAddresses(t *testing.T) {
	p := compiled(t, "", `
network:
  allow_outbound: true
  blocked_ips: [93.184.0.0/16, 10.9.0.0/16, "2606:4700::/32"]
  allowed_ips: [10.0.0.0/8, '127.0.0.1:5432', "[::1]:8080", 8.8.8.8, "0.0.0.0/0:53", "64:ff9b::/96"]
`)
	check(t, p, []want{
		{"dial a.test=93.184.216.34:80", Deny, "blocked_ips: 93.184.0.0/16"},
		{"dial a.test=[::ffff:93.184.216.34]:80", Deny, "blocked_ips: 93.184.0.0/16"},
		{"dial a.test=[64:ff9b::5db8:d822]:80", Deny, "blocked_ips: 93.184.0.0/16"},
		{"dial a.test=[64:ff9b::101:101]:80", Allow, ""},
		{"dial a.test=[64:ff9b::7f00:1]:80", Deny, "built-in: loopback address"},
		{"dial a.test=[2606:4700::1]:443", Deny, "blocked_ips: 2606:4700::/32"},
		{"dial a.test=10.1.2.3:80", Allow, "allow_outbound: true"},
		{"dial =10.1.2.3:80", Allow, "allowed_ips: 10.0.0.0/8"},
		{"dial a.test=10.9.2.3:80", Deny, "blocked_ips: 10.9.0.0/16"},
		{"dial a.test=127.0.0.1:5432", Allow, ""},
		{"dial =127.0.0.1:5432", Allow, "allowed_ips: 127.0.0.1:5432"},
		{"dial =127.0.0.1:5433", Deny, "built-in: loopback address"},
		{"dial =127.0.0.2:5432", Deny, ""},
		{"dial =[::1]:8080", Deny, "built-in: of this machine's loopback a cage reaches what allowed_ips names with its port"},
		{"dial =[::1]:8081", Deny, "built-in: loopback address"},
		{"dial =8.8.8.8:53", Allow, "allowed_ips: 8.8.8.8"},
		{"dial =9.9.9.9:53", Allow, "allowed_ips: 0.0.0.0/0:53"},
		{"dial =9.9.9.9:54", Deny, "not in allowed_ips"},
		{"dial =192.168.1.1:53", Deny, "built-in: private address"}, // a range this wide does not name it
		{"dial a.test=169.254.169.254:80", Deny, "built-in: metadata service"},
		{"dial a.test=[fd00:ec2::254]:80", Deny, "built-in: metadata service"},
		{"dial a.test=100.100.100.200:80", Deny, "built-in: metadata service"},
		{"dial a.test=100.64.1.1:80", Deny, "built-in: carrier's private address"},
		{"dial a.test=0.0.0.0:80", Deny, "built-in: unspecified address"},
		{"dial a.test=[::]:80", Deny, "built-in: unspecified address"},
		{"dial a.test=224.0.0.1:80", Deny, ""},
		{"dial a.test=198.18.0.1:80", Deny, "built-in: benchmark address"},
		{"dial a.test=[fe80::1%eth0]:80", Deny, "built-in: link-local address"},
		{"dial a.test=[fc00::1]:80", Deny, ""},
		{"dial a.test=[2002:7f00:1::]:80", Deny, ""},
		{"dial a.test=[::7f00:1]:80", Deny, ""},
		{"dial a.test=[2001:db8::1]:80", Deny, "built-in: documentation address"},
		{"dial a.test=1.1.1.1:443", Allow, "allow_outbound: true"},
		{"dial 8.8.8.8=8.8.8.8:1", Allow, "allowed_ips: 8.8.8.8"},
		{"dial 8.8.8.8=9.9.9.9:1", Deny, "not the address that was asked for"},
		{"connect 10.1.1.1:80", Allow, "allowed_ips: 10.0.0.0/8"},
		{"connect 10.9.1.1:80", Deny, "blocked_ips: 10.9.0.0/16"},
	})
	if d := p.DecideAddress("a.test", netip.Addr{}, 80); d.Effect != Deny {
		t.Errorf("no address: %+v", d)
	}
}

func TestOnlyALiteralTrueOpensEveryDomain(t *testing.T) {
	check(t, compiled(t, "", "{network: {allowed_ips: ['10.0.0.5:5432']}}"), []want{
		{"look-up example.com", Deny, "not in allowed_domains"},
		{"dial =10.0.0.5:5432", Allow, ""},
	})
	check(t, compiled(t, "", "{network_access: true, network: {allowed_domains: []}}"), []want{{"look-up example.com", Deny, "not in allowed_domains"}})
}

func TestAsks(t *testing.T) {
	check(t, compiled(t, "", "{ask: [path.read, path.write, net, exec], denied_paths: [~/no], allowed_paths: [{path: ~/ro, access: read}]}"), []want{
		{"read /home/ada/x", Ask, "not in allowed_paths"},
		{"write /home/ada/x", Ask, ""},
		{"read /home/ada/no/x", Deny, ""},
		{"read /home/ada/.ssh/x", Deny, ""},
		{"write /home/ada/ro/x", Deny, "allowed_paths: ~/ro (access: read)"},
		{"exec /home/ada/tool", Ask, ""},
		{"exec /usr/bin/su", Deny, ""},
		{"look-up example.com", Ask, "not in allowed_domains"},
		{"dial example.com=93.184.216.34:443", Ask, ""},
		{"dial example.com=10.0.0.1:443", Deny, "built-in: private address"},
		{"dial =93.184.216.34:443", Ask, "not in allowed_ips"},
	})
	check(t, compiled(t, "{network_access: false}", "{ask: [net], execute_commands: false}"), []want{
		{"look-up example.com", Deny, "network_access: false"},
		{"exec /usr/bin/ls", Deny, "execute_commands: false"},
	})
}

func TestUncleanPathsAreDenied(t *testing.T) {
	p := compiled(t, "", "{allowed_paths: [/]}")
	for _, name := range []string{"", ".", "usr", "/usr/", "/usr//bin", "/usr/./bin", "/a/../usr", "/usr\x00", "//usr"} {
		for _, class := range []Class{ClassPathRead, ClassPathWrite, ClassExec} {
			if d := p.Decide(Request{Class: class, Path: name}); d.Effect != Deny {
				t.Errorf("%s %q: %+v", class, name, d)
			}
		}
	}
}

func TestExplainNamesTheRuleItDecidedBy(t *testing.T) {
	p := compiled(t, "", "{allowed_paths: [~/a], denied_paths: [~/a/b]}")
	d := p.Explain(Request{Class: ClassPathRead, Path: "/home/ada/a/b/c"})
	var matched []string
	for _, s := range d.Trace {
		if s.Matched {
			matched = append(matched, s.Rule)
		}
	}
	if got := strings.Join(matched, "; "); got != "denied_paths: ~/a/b; allowed_paths: ~/a" {
		t.Errorf("matched: %s", got)
	}
}

// A pattern is the agent's path against the person's text: a hostile path must
// not buy time.
func TestGlobTimeIsBounded(t *testing.T) {
	pattern := "/" + strings.Repeat("**/*a*a*a*b/", 40) + "end"
	if err := checkGlob(pattern); err != nil {
		t.Fatal(err)
	}
	name := strings.Repeat("/"+strings.Repeat("a", 60), 60)
	if matchGlob(pattern, name) { // going back over every star would outlast the universe
		t.Error("it matched")
	}
}

func TestDecideDoesNotAllocate(t *testing.T) {
	p := compiled(t, "", "{allowed_paths: [~/a], denied_paths: ['**/.env'], network: {allow_outbound: true, blocked_ips: [9.9.9.0/24], allowed_ips: [10.0.0.0/8]}}")
	for _, request := range []string{
		"read /home/ada/a/b/c", "write /usr/bin/x", "read /home/ada/.ssh/x", "read /home/ada/a/.env", "exec /usr/bin/ls", "exec /usr/bin/sudo",
		"look-up example.com", "dial example.com=1.1.1.1:443", "dial example.com=10.0.0.1:443", "dial =9.9.9.9:1",
	} {
		r := parseRequest(t, request)
		if n := testing.AllocsPerRun(100, func() { p.Decide(r) }); n != 0 {
			t.Errorf("%s: %v allocations", request, n)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	p := compiled(b, "", "{allowed_paths: [~/a], denied_paths: ['**/.env'], network: {allow_outbound: true}}")
	for _, request := range []string{"read /home/ada/a/b/c", "read /home/ada/.ssh/x", "exec /usr/bin/ls", "look-up example.com", "dial example.com=1.1.1.1:443"} {
		r := parseRequest(b, request)
		b.Run(strings.ReplaceAll(request, "/", "_"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Decide(r)
			}
		})
	}
}

// BenchmarkInside is what a walk through a project asks of each file: whether a pattern
// denies it, of the whole policy and of the part that concerns the project.
func BenchmarkInside(b *testing.B) {
	p := compiled(b, "", "allowed_paths: [~/p]\ndenied_paths: ['**/.env', '**/*.pem']")
	ask := Request{Class: ClassPathRead, Path: "/home/ada/p/node_modules/a/lib/util/index.js"}
	for name, policy := range map[string]*Policy{"whole": p, "inside": p.Inside("/home/ada/p")} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if policy.Decide(ask).Effect != Allow {
					b.Fatal("it is not allowed")
				}
			}
		})
	}
}
