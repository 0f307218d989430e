package darwin

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"openclaw/sandbox/policy"
)

var (
	somePaths = []string{
		"/Users", "/Users/ada", "/Users/ada/a", "/Users/ada/a/b", "/Users/ada/a/b/c", "/Users/ada/a/.env", "/Users/ada/x", "/srv", "/srv/a",
		"/usr/bin/ls", "/Users/ada/.ssh/id", "/Users/ada/.openclaw/agents/coder", "/Users/ada/.openclaw/agents/coder/f",
		"/Users/ada/.openclaw/agents/other/f", "/etc", "/etc/ssh/key", "/Users/ada/a/b/c/d/.env", "/usr/bin/sudo", "/opt/homebrew/bin/mount.x",
		"/Users/ada/a b/\"q\"\\", "/Users/ada/a\n(allow default)", "/Users/ada/é/ü", "/var/x", "/dev/null", "/Users/ada/.ENV",
	}
	someGlobs = []string{"**/.env", "/Users/ada/*/b", "/Users/**/c", "/srv/[a-b]", "/Users/ada/a/**", "/Users/ada/?/b", "/Users/ada/[!b-z]/b", "/Users/ada/a/[]^a-]*"}
)

func pick[T any](r *rand.Rand, from []T, n int) []T {
	var out []T
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

func writable(list []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return strings.ContainsAny(s, "\n\"") })
}

func randomPermissions(r *rand.Rand) policy.Permissions {
	plain := writable(somePaths)
	p := policy.Permissions{
		ReadOnly: maybe(r), FileWrite: maybe(r), ExecuteCommands: maybe(r), SystemCommands: maybe(r),
		DeniedPaths: append(pick(r, plain[1:], 2), pick(r, someGlobs, 2)...),
	}
	for _, path := range append(pick(r, plain, 5), pick(r, []string{"/"}, 1)...) {
		if r.IntN(4) > 0 || path != "/" {
			p.AllowedPaths = append(p.AllowedPaths, policy.PathEntry{Path: path, Access: []policy.Access{"", policy.AccessRead, policy.AccessWrite}[r.IntN(3)]})
		}
	}
	return p
}

func randomPolicy(r *rand.Rand) *policy.Policy {
	for {
		in := policy.Input{
			Agent: "coder", Home: "/Users/ada", StateDir: "/Users/ada/.openclaw", OwnKey: "agents.coder", Own: randomPermissions(r),
			OtherWorkspaces: []string{"/Users/ada/x"},
		}
		if r.IntN(2) == 0 {
			in.RoleKey, in.Role = "roles.base", randomPermissions(r)
		}
		if p, _ := policy.Compile(in); p != nil {
			return p
		}
	}
}

const (
	ourProgram = "/Library/OpenClaw/openclaw"
	ourTemp    = "/private/var/folders/zz/run"
)

func testOptions() Options {
	return Options{Run: "run-1", Program: "/Library/Tool/tool", Supervisor: ourProgram, Temp: ourTemp, Terminal: "/dev/ttys003", Ports: []uint16{4711, 18789}}
}

// queries are places where rules meet, and what lies next to and below them.
func queries() []string {
	names := slices.Clone(somePaths)
	for _, name := range somePaths {
		names = append(names, name+"x", name+"/below", name+"/b", name+"/.env/deep")
	}
	return append(names, "/Users/ada/a/\n/b", "/Users/ada/\xff/b", "/Users/ada/é/b", "/Users/ada/a/-", "/Users/ada/a/]x", "/Users/ada/a/^", "/nowhere")
}

// asDecided reports whether profile and policy are meant to agree: the places
// that the system, this run and macOS itself take part in are told of by other
// tests.
func asDecided(name string) bool {
	for _, folder := range append(append(systemFolders(), systemFiles()[1:]...), "/private/tmp", "/proc", "/dev/shm", "/lib", ourTemp, "/Library") {
		if under(Physical(name), folder) {
			return false
		}
	}
	return true
}

// TestProfileSaysWhatThePolicySays is the promise of this package: under every
// described order of rules, what the profile answers is what the policy decides.
func TestProfileSaysWhatThePolicySays(t *testing.T) {
	rounds := 30
	if testing.Short() {
		rounds = 20
	}
	allowed, denied := 0, 0
	for seed := range rounds {
		p := randomPolicy(rand.New(rand.NewPCG(uint64(seed), 11)))
		text, err := Profile(p, testOptions())
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		m, err := newModel(text)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		for _, name := range queries() {
			if !asDecided(name) {
				continue
			}
			for _, q := range []struct {
				class policy.Class
				op    string
			}{{policy.ClassPathRead, "file-read-data"}, {policy.ClassPathWrite, "file-write-data"}, {policy.ClassExec, "process-exec"}} {
				d := p.Decide(policy.Request{Class: q.class, Path: name})
				if strings.HasPrefix(name, "/dev/") && q.class == policy.ClassExec {
					continue // a device cannot be run
				}
				wants := d.Effect == policy.Allow
				for order := range orders {
					got, tag := m.judge(order, q.op, Physical(name))
					if got && !wants || wants && !got && !beyondASCII(name) {
						t.Fatalf("seed %d, order %d: %s of %q is %t in the profile (%s), %s in the policy (%s)", seed, order, q.op, name, got, tag, d.Effect, d.Rule)
					}
					if order == lastWins && !got {
						checkTag(t, seed, p, tag, q.class, name)
					}
				}
				if wants {
					allowed++
				} else {
					denied++
				}
			}
		}
	}
	if allowed < 300 || denied < 300 {
		t.Errorf("the policies say too little: %d allowed, %d denied", allowed, denied)
	}
}

// beyondASCII: expressions may deny more there, never less.
func beyondASCII(name string) bool {
	return strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '~' })
}

// checkTag: a denial names a rule that denies this very place.
func checkTag(t *testing.T, seed int, p *policy.Policy, text string, class policy.Class, name string) {
	t.Helper()
	tag, ok := ParseTag(text)
	if !ok || tag.Run != "run-1" {
		t.Fatalf("seed %d: %q was denied with the tag %q", seed, name, text)
	}
	index, isRule := tag.Index()
	if !isRule || class == policy.ClassExec {
		return
	}
	rule := p.Paths[index]
	if !rule.Glob && !under(name, rule.Path) && !under(Physical(name), Physical(rule.Path)) {
		t.Fatalf("seed %d: %q was denied by %+v", seed, name, rule)
	}
}

// TestCaseOfLetters: with FoldCase no spelling of a denied name is open, and
// nothing is open that is not without it.
func TestCaseOfLetters(t *testing.T) {
	for seed := range 6 {
		r := rand.New(rand.NewPCG(uint64(seed), 13))
		p := randomPolicy(r)
		o := testOptions()
		o.FoldCase = true
		text, err := Profile(p, o)
		if err != nil {
			t.Fatal(err)
		}
		m, err := newModel(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		for _, name := range queries() {
			if !asDecided(name) {
				continue
			}
			odd := otherCase(r, name)
			got, _ := m.judge(lastWins, "file-read-data", Physical(odd))
			if got && p.Decide(policy.Request{Class: policy.ClassPathRead, Path: odd}).Effect != policy.Allow {
				t.Fatalf("seed %d: %q is open with folding only", seed, odd)
			}
			for i := range p.Paths {
				rule := &p.Paths[i]
				if rule.Effect == policy.Deny && !rule.Glob && len(rule.Except) == 0 && under(name, rule.Path) && got {
					t.Fatalf("seed %d: %q is open in spite of %q", seed, odd, rule.Path)
				}
			}
		}
	}
}

func otherCase(r *rand.Rand, name string) string {
	b := []byte(name)
	for i, c := range b {
		if isLetter(c) && r.IntN(2) == 0 && !strings.HasPrefix(name, "/etc") && !strings.HasPrefix(name, "/var") {
			b[i] = c ^ 0x20
		}
	}
	return string(b)
}

// TestNothingNamedCanBeMoved: no folder above a denied path, or above an
// allowed one, can be renamed or removed, in any order of rules.
func TestNothingNamedCanBeMoved(t *testing.T) {
	for seed := range 8 {
		p := randomPolicy(rand.New(rand.NewPCG(uint64(seed), 17)))
		text, err := Profile(p, testOptions())
		if err != nil {
			t.Fatal(err)
		}
		m, err := newModel(text)
		if err != nil {
			t.Fatal(err)
		}
		for i := range p.Paths {
			rule := &p.Paths[i]
			if rule.Glob || rule.System {
				continue
			}
			for _, name := range append(above(Physical(rule.Path)), Physical(rule.Path)) {
				for order := range orders {
					if got, _ := m.judge(order, "file-write-unlink", name); got {
						t.Fatalf("seed %d, order %d: %q can be moved, below it %s %q", seed, order, name, rule.Effect, rule.Path)
					}
				}
			}
		}
		for order := range orders {
			for _, op := range []string{"file-link", "file-clone"} {
				for _, name := range []string{"/Users/ada/a/f", ourTemp + "/f", "/Users/ada/.ssh/id"} {
					if got, _ := m.judge(order, op, name); got {
						t.Fatalf("seed %d: %s of %q", seed, op, name)
					}
				}
			}
		}
	}
}

// FuzzGlobRegex: what the policy's pattern denies, the expression denies; over
// printable ASCII they agree.
func FuzzGlobRegex(f *testing.F) {
	for _, glob := range someGlobs {
		f.Add(glob, "/Users/ada/a/b/.env")
	}
	f.Add(`/a/\*[\]\\x-z]?`, `/a/*]é`)
	f.Add("/a/[/]", "/a/b")
	f.Add("/[é-ü]*", "/ö\n")
	f.Fuzz(func(t *testing.T, glob, name string) {
		if !cleanPath(name) || name == "/" || strings.Contains(glob, "$") || strings.HasPrefix(glob, "~") {
			t.Skip()
		}
		p, _ := policy.Compile(policy.Input{
			Agent: "a", Home: "/h", StateDir: "/h/s", Workspace: "/w",
			Own: policy.Permissions{DeniedPaths: []string{glob}, AllowedPaths: []policy.PathEntry{{Path: "/"}}},
		})
		if p == nil {
			return // no policy takes it, so nothing is promised
		}
		rule := p.Paths[0]
		if !rule.Glob || rule.Effect != policy.Deny {
			t.Skip()
		}
		expr, err := globRegex(rule.Path, false)
		if err != nil {
			t.Fatalf("%q: %v", rule.Path, err)
		}
		m := &model{compiled: map[string]*regexp.Regexp{}}
		got := m.matches(node{list: []node{{word: "regex"}, {text: expr}}}, name)
		p.Paths = []policy.PathRule{rule, {Path: "/", Effect: policy.Allow, Access: policy.AccessRead}}
		want := p.Decide(policy.Request{Class: policy.ClassPathRead, Path: name}).Effect == policy.Deny
		if want && !got || want != got && !beyondASCII(name) && !beyondASCII(glob) {
			t.Fatalf("%q of %q: %t by %s, %t by the policy", rule.Path, name, got, expr, want)
		}
	})
}

// FuzzPathsInProfile: whatever bytes a path has, the profile holds it as one
// string, and nothing that stands in it becomes a rule.
func FuzzPathsInProfile(f *testing.F) {
	f.Add(`/a")(allow default)("`, `/b\`)
	f.Add("/a\n; (allow default)", "/\"")
	f.Add("/\x01\x7f\xff", `/\"`)
	f.Fuzz(func(t *testing.T, allow, deny string) {
		p := &policy.Policy{Paths: []policy.PathRule{
			{Path: allow, Effect: policy.Allow, Access: policy.AccessWrite},
			{Path: deny, Effect: policy.Deny},
		}}
		o := testOptions()
		o.FoldCase = true
		text, err := Profile(p, o)
		if err != nil {
			if cleanPath(allow) && cleanPath(deny) {
				t.Fatal(err)
			}
			return
		}
		got, err := readProfile(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		plain, err := Profile(&policy.Policy{Paths: []policy.PathRule{{Path: "/p", Effect: policy.Allow, Access: policy.AccessWrite}, {Path: "/q", Effect: policy.Deny}}}, o)
		if err != nil {
			t.Fatal(err)
		}
		want, err := readProfile(plain)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := shape(got), shape(want); a != b {
			t.Fatalf("the paths changed the rules:\n%s\n%s", a, b)
		}
		for _, name := range []string{Physical(allow), Physical(deny)} {
			if !slices.ContainsFunc(got.rules, func(r sbRule) bool {
				return slices.ContainsFunc(r.filters, func(n node) bool { return n.list[0].word == "subpath" && n.list[1].text == name })
			}) {
				t.Fatalf("%q is not in the profile:\n%s", name, text)
			}
		}
	})
}

// shape is a profile without its filters.
func shape(p *profile) string {
	var b strings.Builder
	for _, r := range p.rules {
		if len(r.ops) == 2 && r.ops[0] == "file-read-metadata" {
			continue // there only where a path has folders above it
		}
		fmt.Fprintln(&b, r.allow, r.ops, r.tag)
	}
	return b.String()
}
