package policy

import (
	"net/netip"
	"path"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzDecide: no bytes from a caged program make the decision panic, differ
// from its explanation, or open a denied place.
func FuzzDecide(f *testing.F) {
	p := compiled(f, "", `
allowed_paths: [~/p, /srv]
denied_paths: ['~/p/**/.env', ~/p/secret, '/srv/[a-c]*/x']
ask: [exec]
network: {allow_outbound: true, allowed_domains: ['*.a.test', b.test:443], allowed_ips: [10.0.0.0/8], blocked_ips: [10.1.0.0/16]}
`)
	f.Add("/home/ada/p/secret/x", "a.a.test", []byte{10, 1, 2, 3}, uint16(443))
	f.Add("/home/ada/p/a/.env", "B.TEST.", []byte("\x00d\xff\x9b\x00\x00\x00\x00\x00\x00\x00\x00\x0a\x01\x00\x01"), uint16(80))
	f.Add("/home/ada/.ssh", "127.1", []byte{127, 0, 0, 1}, uint16(0))
	f.Add("//x/../\xff\x00", "\xff..", []byte{}, uint16(1))
	f.Fuzz(func(t *testing.T, name, host string, address []byte, port uint16) {
		addr, _ := netip.AddrFromSlice(address)
		for _, r := range []Request{
			{Class: ClassPathRead, Path: name},
			{Class: ClassPathWrite, Path: name},
			{Class: ClassExec, Path: name},
			{Class: ClassNet, Host: host, Port: port},
			{Class: ClassNet, Host: host, Address: addr, Port: port},
			{Class: ClassNet, Address: addr, Port: port},
		} {
			d, e := p.Decide(r), p.Explain(r)
			if d.Effect != e.Effect || d.Rule != e.Rule || d.Origin != e.Origin {
				t.Fatalf("%+v: Decide %+v, Explain %+v", r, d, e)
			}
			for folder := name; r.Class != ClassNet && cleanPath(name); folder = path.Dir(folder) {
				if got := p.Inside(folder).Decide(r); got.Effect != d.Effect || got.Rule != d.Rule {
					t.Fatalf("%+v: %+v inside %q, %+v", r, got, folder, d)
				}
				if folder == "/" {
					break
				}
			}
			if d.Effect == Deny {
				continue
			}
			if r.Class != ClassNet {
				if !path.IsAbs(name) || path.Clean(name) != name || strings.Contains(name+"/", "/p/secret/") && under(name, "/home/ada/p") || under(name, "/home/ada/.ssh") {
					t.Fatalf("%s %q is %s", r.Class, name, d.Effect)
				}
			}
			if r.Class == ClassNet && addr.IsValid() && netip.MustParsePrefix("10.1.0.0/16").Contains(addr.Unmap()) && r.Address.IsValid() {
				t.Fatalf("a blocked address is %s", d.Effect)
			}
		}
	})
}

// FuzzGlob: the matcher agrees with the same pattern as a regular expression,
// and a path that matches stays matched further down.
func FuzzGlob(f *testing.F) {
	f.Add("/a/**/b", "/a/x/y/b")
	f.Add("/a*b?c/[a-c!]/**", "/aXbYc/b/z")
	f.Add(`/\*x/[]a]/[!\]]`, "/*x/]/a")
	f.Add("/**/*a*a*b", "/aaaa/aab")
	f.Add("/**", "/")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if len(pattern) > 60 || len(name) > 60 || len(pattern) < 2 || pattern[0] != '/' || path.Clean(pattern) != pattern || checkGlob(pattern) != nil {
			return
		}
		if !cleanPath(name) || !utf8.ValidString(name) || !utf8.ValidString(pattern) {
			matchGlob(pattern, name) // only that it ends
			return
		}
		expression, err := regexp.Compile(globExpression(pattern))
		if err != nil {
			return // a range from high to low matches nothing here and is an error there
		}
		got := matchGlob(pattern, name)
		if want := expression.MatchString(strings.TrimSuffix(name, "/") + "/"); got != want {
			t.Fatalf("%q on %q: %v, the expression %s says %v", pattern, name, got, expression, want)
		}
		if got && !matchGlob(pattern, strings.TrimSuffix(name, "/")+"/below") {
			t.Fatalf("%q matches %q and not what lies below", pattern, name)
		}
	})
}

// globExpression says what a pattern means, for names that end in a slash.
func globExpression(pattern string) string {
	var b strings.Builder
	b.WriteString("(?s)^/")
	for segment := range strings.SplitSeq(pattern[1:], "/") {
		if segment == "**" {
			b.WriteString("(?:[^/]+/)*")
			continue
		}
		runes := []rune(segment)
		for i := 0; i < len(runes); i++ {
			switch runes[i] {
			case '*':
				b.WriteString("[^/]*")
			case '?':
				b.WriteString("[^/]")
			case '\\':
				i++
				b.WriteString(regexp.QuoteMeta(string(runes[i])))
			case '[':
				i = classExpression(&b, runes, i)
			default:
				b.WriteString(regexp.QuoteMeta(string(runes[i])))
			}
		}
		b.WriteString("/")
	}
	return b.String()
}

func classExpression(b *strings.Builder, runes []rune, i int) int {
	b.WriteByte('[')
	i++
	if runes[i] == '!' || runes[i] == '^' {
		b.WriteByte('^')
		i++
	}
	one := func() {
		if runes[i] == '\\' {
			i++
		}
		b.WriteString(`\x{` + hexRune(runes[i]) + `}`)
		i++
	}
	for first := true; first || runes[i] != ']'; first = false {
		one()
		if runes[i] == '-' && i+1 < len(runes) && runes[i+1] != ']' {
			b.WriteByte('-')
			i++
			one()
		}
	}
	b.WriteByte(']')
	return i
}

func hexRune(r rune) string {
	const digits = "0123456789abcdef"
	out := ""
	for ; r > 0; r >>= 4 {
		out = string(digits[r&15]) + out
	}
	if out == "" {
		return "0"
	}
	return out
}

// FuzzCompile: no text in a config makes compiling panic, and every policy that
// comes of it denies the built-in places.
func FuzzCompile(f *testing.F) {
	f.Add("~/a", "**/x", "*.a.test:1", "10.0.0.1:1")
	f.Add("$WORK", "~/[a-", "a..b", "[::1]:x")
	f.Add("/", "${X", "*.*", "::ffff:1.2.3.4/97")
	f.Fuzz(func(t *testing.T, allowed, denied, domain, address string) {
		in := input(t, "", "{network_access: true}")
		in.Own.AllowedPaths = []PathEntry{{Path: allowed}}
		in.Own.DeniedPaths = []string{denied}
		in.Own.Network = &Network{AllowedDomains: []string{domain}, AllowedIPs: []string{address}, BlockedIPs: []string{"10.0.0.0/8"}}
		p, problems := Compile(in)
		if p == nil {
			if len(problems) == 0 {
				t.Fatal("no policy and no reason")
			}
			return
		}
		for _, place := range []string{"/home/ada/.ssh/id", "/home/ada/.openclaw/config.yaml", "/run/user/1"} {
			if d := p.Decide(Request{Class: ClassPathRead, Path: place}); d.Effect != Deny {
				t.Fatalf("%s is %s by %s", place, d.Effect, d.Rule)
			}
		}
		if d := p.DecideAddress("", netip.MustParseAddr("10.2.3.4"), 1); d.Effect != Deny {
			t.Fatalf("a blocked address is %s by %s", d.Effect, d.Rule)
		}
	})
}
