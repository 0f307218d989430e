package policy

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"path"
	"strings"
	"testing"
)

// The properties are judged on random policies over a small tree and a few
// names and addresses, so that rules meet often.

var (
	somePaths     = []string{"/", "/home", "/home/ada", "/home/ada/a", "/home/ada/a/b", "/home/ada/a/b/c", "/home/ada/a/.env", "/home/ada/x", "/srv", "/srv/a", "/usr", "/usr/bin", "/usr/bin/ls", "/home/ada/.ssh", "/home/ada/.ssh/id", "/home/ada/.openclaw", "/home/ada/.openclaw/agents/coder", "/home/ada/.openclaw/agents/coder/f", "/home/ada/.openclaw/agents/other/f", "/etc", "/tmp/x", "/home/ada/a/b/c/d/.env", "/usr/bin/sudo"}
	someGlobs     = []string{"**/.env", "/home/ada/*/b", "/home/**/c", "/srv/[a-b]", "/home/ada/a/**"}
	someDomains   = []string{"a.test", "b.a.test", "*.a.test", "*.test", "a.test:443", "*.b.a.test:80", "c.b.a.test"}
	someHosts     = []string{"a.test", "b.a.test", "c.b.a.test", "test", "other.example", "10.0.0.1", "::1"}
	someRanges    = []string{"10.0.0.0/8", "10.0.0.1", "10.0.0.1:443", "127.0.0.1:80", "127.0.0.1", "127.0.0.0/8:80", "[::1]:443", "0.0.0.0/0", "0.0.0.0/1:80", "::1", "fc00::/7", "93.184.0.0/16", "169.254.169.254", "169.254.0.0/16"}
	someAddresses = []string{"10.0.0.1", "10.0.0.2", "127.0.0.1", "93.184.216.34", "::1", "fc00::1", "169.254.169.254", "169.254.1.1", "8.8.8.8", "64:ff9b::a00:1", "::ffff:10.0.0.1"}
	someClasses   = []Class{ClassPathRead, ClassPathWrite, ClassNet, ClassExec}
)

func pick[T any](r *rand.Rand, from []T, n int) []T {
	if n == 0 {
		return nil
	}
	out := make([]T, 0, n)
	for range r.IntN(n + 1) {
		out = append(out, from[r.IntN(len(from))])
	}
	return out
}

func maybe(r *rand.Rand) *bool {
	switch r.IntN(4) {
	case 0:
		return new(true)
	case 1:
		return new(false)
	}
	return nil
}

func randomPermissions(r *rand.Rand) Permissions {
	p := Permissions{
		ReadOnly: maybe(r), FileWrite: maybe(r), ExecuteCommands: maybe(r), SystemCommands: maybe(r), NetworkAccess: maybe(r),
		DeniedPaths: append(pick(r, somePaths[1:], 2), pick(r, someGlobs, 2)...),
	}
	if r.IntN(3) > 0 {
		p.AllowedPaths = []PathEntry{}
		for _, path := range pick(r, somePaths, 5) {
			p.AllowedPaths = append(p.AllowedPaths, PathEntry{Path: path, Access: []Access{"", AccessRead, AccessWrite}[r.IntN(3)]})
		}
	}
	if r.IntN(3) == 0 {
		p.Ask = pick(r, someClasses, 4)
	}
	if r.IntN(3) > 0 {
		p.Network = &Network{AllowOutbound: maybe(r), BlockedIPs: pick(r, []string{"10.0.0.0/8", "93.184.216.34", "::1", "0.0.0.0/0"}, 2)}
		if r.IntN(2) == 0 {
			p.Network.AllowedDomains = pick(r, someDomains, 4)
		}
		if r.IntN(2) == 0 {
			p.Network.AllowedIPs = pick(r, someRanges, 4)
		}
	}
	return p
}

func randomPolicy(r *rand.Rand) (*Policy, Input) {
	for {
		in := Input{
			Agent: "coder", Home: "/home/ada", StateDir: "/home/ada/.openclaw", OwnKey: "agents.coder", Own: randomPermissions(r),
			OtherWorkspaces: []string{"/home/ada/x"},
		}
		if r.IntN(2) == 0 {
			in.RoleKey, in.Role = "roles.base", randomPermissions(r)
		}
		if p, _ := Compile(in); p != nil {
			return p, in
		}
	}
}

// everyRequest is each class with each target.
func everyRequest() []Request {
	var out []Request
	for _, path := range append(somePaths, "/nowhere", "/home/ada/a/b/c/d", "/usr/lib/x") {
		for _, class := range []Class{ClassPathRead, ClassPathWrite, ClassExec} {
			out = append(out, Request{Class: class, Path: path})
		}
	}
	for _, port := range []uint16{0, 80, 443} {
		for _, host := range append(someHosts, "") {
			out = append(out, Request{Class: ClassNet, Host: host, Port: port})
			for _, a := range someAddresses {
				out = append(out, Request{Class: ClassNet, Host: host, Address: netip.MustParseAddr(a), Port: port})
			}
		}
	}
	return out
}

func TestPropertiesOfRandomPolicies(t *testing.T) {
	requests := everyRequest()
	rounds := 150
	if testing.Short() {
		rounds = 50
	}
	narrowerSeen := 0
	for seed := range rounds {
		r := rand.New(rand.NewPCG(uint64(seed), 7))
		p, in := randomPolicy(r)
		other, _ := randomPolicy(r)
		stricter, alone := tighten(r, in), eachAlone(t, in)
		proven := Narrower(p, other)
		if proven {
			narrowerSeen++
		}
		for _, q := range requests {
			d := p.Decide(q)
			e := p.Explain(q)
			if d.Effect != e.Effect || d.Rule != e.Rule || d.Origin != e.Origin {
				t.Fatalf("seed %d: %+v: Decide %+v, Explain %+v", seed, q, d, e)
			}
			if d.Rule == "" || d.Origin == (Origin{}) {
				t.Fatalf("seed %d: %+v: a decision without a reason: %+v", seed, q, d)
			}
			denyWins(t, seed, p, q, d)
			opensWhatItDecides(t, seed, p, q, d)
			isDecidedInside(t, seed, p, q, d, r.IntN(6))
			intersectionIsWithinEach(t, seed, alone, q, d)
			if stricter != nil && reach(stricter.Decide(q).Effect) > reach(d.Effect) {
				t.Fatalf("seed %d: %+v: more permissions forbid less: %+v, before %+v", seed, q, stricter.Decide(q), d)
			}
			if proven && reach(other.Decide(q).Effect) > reach(d.Effect) {
				t.Fatalf("seed %d: %+v: Narrower, but %+v instead of %+v", seed, q, other.Decide(q), d)
			}
		}
		if stricter != nil && len(in.Own.DeniedPaths) == 0 && !Narrower(p, stricter) && len(p.Asks) == 0 {
			t.Errorf("seed %d: a stricter policy is not seen as narrower", seed)
		}
		if !Narrower(p, p) || !Compare(p, p).None() {
			t.Fatalf("seed %d: a policy differs from itself", seed)
		}
	}
	if narrowerSeen == 0 {
		t.Log("no random pair was narrower by chance")
	}
}

// opensWhatItDecides: how far a path is open is what reading and writing it are answered.
func opensWhatItDecides(t *testing.T, seed int, p *Policy, q Request, d Decision) {
	t.Helper()
	open := p.Opens(q.Path)
	if indexed := p.Index().Opens(q.Path); indexed != open {
		t.Fatalf("seed %d: %s is open for %q, and for %q by the index", seed, q.Path, open, indexed)
	}
	if q.Class == ClassPathRead && (d.Effect == Allow) != (open != "") || q.Class == ClassPathWrite && (d.Effect == Allow) != (open == AccessWrite) {
		t.Fatalf("seed %d: %+v is open for %q, and %+v", seed, q, open, d)
	}
}

// isDecidedInside: the policy for what lies in a folder decides the same there.
func isDecidedInside(t *testing.T, seed int, p *Policy, q Request, d Decision, up int) {
	t.Helper()
	if q.Path == "" {
		return
	}
	folder := q.Path
	for range up {
		folder = path.Dir(folder)
	}
	inside := p.Inside(folder)
	if got := inside.Decide(q); got.Effect != d.Effect || got.Rule != d.Rule || got.Origin != d.Origin {
		t.Fatalf("seed %d: inside %s, %+v is %+v, and %+v", seed, folder, q, got, d)
	}
	if strings.Count(folder, "/") > 3 && len(inside.Paths) > len(p.Paths)/2 {
		t.Fatalf("seed %d: inside %s are %d of %d rules", seed, folder, len(inside.Paths), len(p.Paths))
	}
}

// denyWins: a rule that denies a place denies it whatever is allowed.
func denyWins(t *testing.T, seed int, p *Policy, q Request, d Decision) {
	t.Helper()
	if q.Class == ClassNet || d.Effect == Deny {
		return
	}
	for i := range p.Paths {
		if rule := &p.Paths[i]; rule.Effect == Deny && rule.matches(q.Path) {
			t.Fatalf("seed %d: %+v is %s in spite of %s", seed, q, d.Effect, rule.Text)
		}
	}
}

// eachAlone is a policy for each of the two layers, where what the layer
// leaves unwritten is granted: the other layer's to decide.
func eachAlone(t *testing.T, in Input) []*Policy {
	t.Helper()
	if in.RoleKey == "" {
		return nil
	}
	var out []*Policy
	for _, open := range []Permissions{in.Role, in.Own} {
		yes := true
		for _, b := range []**bool{&open.NetworkAccess, &open.SystemCommands} {
			if *b == nil {
				*b = &yes
			}
		}
		if open.AllowedPaths == nil {
			open.AllowedPaths = []PathEntry{{Path: "/"}}
		}
		n := Network{}
		if open.Network != nil {
			n = *open.Network
		}
		if n.AllowedIPs == nil {
			n.AllowedIPs = append([]string{"0.0.0.0/0", "::/0"}, someRanges...)
			for _, row := range blockedRanges() {
				n.AllowedIPs = append(n.AllowedIPs, row.prefix.String())
			}
		}
		open.Network = &n
		in.RoleKey, in.Role, in.Own = "", Permissions{}, open
		p, problems := Compile(in)
		if p == nil {
			t.Fatal(problems)
		}
		out = append(out, p)
	}
	return out
}

// intersectionIsWithinEach: role and own together allow no more than either
// would alone.
func intersectionIsWithinEach(t *testing.T, seed int, alone []*Policy, q Request, d Decision) {
	t.Helper()
	if d.Effect != Allow {
		return
	}
	for _, p := range alone {
		got := p.Decide(q)
		systemFolder := got.Effect == Deny && q.Class == ClassPathWrite // "/" as an allowed path does not open a system folder to writing
		if got.Effect != Allow && !systemFolder {
			t.Fatalf("seed %d: %+v is allowed by both together (%s) and %s by one alone (%s)", seed, q, d.Rule, got.Effect, got.Rule)
		}
	}
}

// tighten writes one more restriction into the agent's own permissions.
func tighten(r *rand.Rand, in Input) *Policy {
	no, yes := false, true
	switch r.IntN(7) {
	case 0:
		in.Own.ReadOnly = &yes
	case 1:
		in.Own.FileWrite = &no
	case 2:
		in.Own.ExecuteCommands = &no
	case 3:
		in.Own.SystemCommands = &no
	case 4:
		in.Own.NetworkAccess = &no
	case 5:
		in.Own.DeniedPaths = append(append([]string{}, in.Own.DeniedPaths...), pick(r, somePaths[1:], 3)...)
	default:
		n := Network{}
		if in.Own.Network != nil {
			n = *in.Own.Network
		}
		n.BlockedIPs = append(append([]string{}, n.BlockedIPs...), "10.0.0.0/8", "93.184.0.0/16")
		in.Own.Network = &n
	}
	p, _ := Compile(in)
	return p
}

func TestCompareSaysWhatApplies(t *testing.T) {
	base := "{allowed_paths: [~/a], network: {allowed_domains: [a.test]}}"
	tests := []struct {
		name, next                   string
		paths, exec, network, limits bool
		narrower, wider              bool
		added, removed               string
	}{
		{"nothing", base, false, false, false, false, false, false, "[]", "[]"},
		{"path added", "{allowed_paths: [~/a, ~/b], network: {allowed_domains: [a.test]}}", true, false, false, false, false, true, "[allowed_paths: ~/b (write)]", "[]"},
		{"path denied", "{allowed_paths: [~/a], denied_paths: [~/a/s], network: {allowed_domains: [a.test]}}", true, false, false, false, true, false, "[denied_paths: ~/a/s]", "[]"},
		{"path to read", "{allowed_paths: [{path: ~/a, access: read}], network: {allowed_domains: [a.test]}}", true, false, false, false, true, false, "[allowed_paths: ~/a (read)]", "[allowed_paths: ~/a (write)]"},
		{"domain swapped", "{allowed_paths: [~/a], network: {allowed_domains: [b.test]}}", false, false, true, false, true, true, "[allowed_domains: b.test]", "[allowed_domains: a.test]"},
		{"domain widened", "{allowed_paths: [~/a], network: {allowed_domains: [a.test, '*.a.test']}}", false, false, true, false, false, true, "[allowed_domains: *.a.test]", "[]"},
		{"address blocked", "{allowed_paths: [~/a], network: {allowed_domains: [a.test], blocked_ips: [1.0.0.0/8]}}", false, false, true, false, true, false, "[blocked_ips: 1.0.0.0/8]", "[]"},
		{"no programs", "{allowed_paths: [~/a], execute_commands: false, network: {allowed_domains: [a.test]}}", false, true, false, false, true, false, "[execute_commands: no]", "[execute_commands: yes]"},
		{"size", "{allowed_paths: [~/a], max_file_size: 5, network: {allowed_domains: [a.test]}}", false, false, false, true, true, false, "[]", "[]"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := Compare(compiled(t, "", base), compiled(t, "", test.next))
			got := []bool{c.Paths, c.Exec, c.Network, c.Limits, c.Narrower, c.Wider}
			if fmt.Sprint(got) != fmt.Sprint([]bool{test.paths, test.exec, test.network, test.limits, test.narrower, test.wider}) {
				t.Errorf("paths, exec, network, limits, narrower, wider: %v", got)
			}
			if fmt.Sprint(c.Added) != test.added || fmt.Sprint(c.Removed) != test.removed {
				t.Errorf("added %v, removed %v", c.Added, c.Removed)
			}
		})
	}
}

func TestNarrowerOfNothing(t *testing.T) {
	p := compiled(t, "", "{}")
	if !Narrower(p, nil) || Narrower(nil, p) || !Compare(nil, nil).None() || !Compare(nil, p).Wider {
		t.Error("a missing policy allows nothing")
	}
}
