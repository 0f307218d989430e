package darwin

import (
	"testing"

	"openclaw/sandbox/policy"
)

// judged is one answer that a profile must give, in every order of rules.
type judged struct {
	op, name string
	allow    bool
	tag      string // of a denial
}

func judgeAll(t *testing.T, p *policy.Policy, o Options, wants []judged) {
	t.Helper()
	text, err := Profile(p, o)
	if err != nil {
		t.Fatal(err)
	}
	m, err := newModel(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range wants {
		for order := range orders {
			got, text := m.judge(order, want.op, want.name)
			if got != want.allow {
				t.Errorf("order %d: %s of %s: %t (%s)", order, want.op, want.name, got, text)
			}
			if tag, _ := ParseTag(text); order == lastWins && !want.allow && tag.Rule != want.tag {
				t.Errorf("%s of %s was denied by %q, want %q", want.op, want.name, tag.Rule, want.tag)
			}
		}
	}
}

func allowRule(path string, access policy.Access) policy.PathRule {
	return policy.PathRule{Path: path, Effect: policy.Allow, Access: access}
}

// TestNothingElseRuns: under `execute_commands: false` the command's program,
// its interpreter and the tester run, and nothing that the agent can write is
// loaded as a program.
func TestNothingElseRuns(t *testing.T) {
	o := testOptions()
	o.Program, o.Interpreters = "/w/script", []string{"/usr/bin/python3"}
	p := &policy.Policy{Paths: []policy.PathRule{allowRule("/w", policy.AccessWrite), allowRule("/usr", policy.AccessRead)}, Exec: policy.Exec{System: true}}
	judgeAll(t, p, o, []judged{
		{"process-exec", "/w/script", true, ""},
		{"process-exec-interpreter", "/usr/bin/python3", true, ""},
		{"process-exec", ourProgram, true, ""},
		{"file-read-data", ourProgram, true, ""},
		{"process-exec", "/usr/bin/ls", false, TagExec},
		{"process-exec", "/w/other", false, TagExec},
		{"process-exec", "/System/Library/x", false, TagExec},
		{"process-exec", ourTemp + "/x", false, TagExec},
		{"file-map-executable", "/w/lib.dylib", false, TagExec},
		{"file-map-executable", ourTemp + "/lib.dylib", false, TagExec},
		{"file-map-executable", "/usr/lib/x.dylib", true, ""},
	})
	p.Exec.Commands = true
	judgeAll(t, p, o, []judged{
		{"process-exec", "/usr/bin/ls", true, ""},
		{"process-exec", "/w/other", true, ""},
		{"file-map-executable", "/w/lib.dylib", true, ""},
		{"process-exec", ourTemp + "/go-build/x", true, ""},
		{"process-exec", "/elsewhere/x", false, TagDefault},
	})
}

// TestMovedFolders: what would take a denied file out of its rule is refused
// by its own name.
func TestMovedFolders(t *testing.T) {
	o := testOptions()
	o.Denied = []string{"/w/deep/down/.env"}
	o.Resolve = func(name string) (string, []string) {
		if name == "/w/link/x" {
			return "/real/x", []string{"/w/link"}
		}
		return Physical(name), nil
	}
	p := &policy.Policy{Exec: policy.Exec{Commands: true, System: true}, Paths: []policy.PathRule{
		allowRule("/w", policy.AccessWrite),
		{Path: "/w/**/.env", Glob: true, Effect: policy.Deny},
		{Path: "/w/*/secrets/key", Glob: true, Effect: policy.Deny},
		{Path: "/w/link/x", Effect: policy.Deny},
	}}
	judgeAll(t, p, o, []judged{
		{"file-write-unlink", "/w/deep/down/.env", false, TagPinned},
		{"file-write-unlink", "/w/deep/down", false, TagPinned},
		{"file-write-unlink", "/w/deep", false, TagPinned},
		{"file-write-unlink", "/w", false, TagPinned},
		{"file-write-unlink", "/w/a/secrets", false, TagPinned},
		{"file-write-unlink", "/w/a", false, TagPinned},
		{"file-write-unlink", "/w/link", false, TagPinned}, // or another folder stands where the link led
		{"file-write-unlink", "/w/a/other", true, ""},
		{"file-write-unlink", "/w/a/secretsx", true, ""},
		{"file-read-data", "/w/link/x/f", false, "3"},
		{"file-read-data", "/real/x/f", false, "3"},
		{"file-link", "/w/f", false, TagLink},
		{"file-clone", "/w/f", false, TagLink},
		{"file-clone", "/w/deep", false, TagLink},
		{"file-write-data", "/w/f", true, ""},
	})
}

// TestOtherNamesOfTheDataVolume: a file is denied by the name that the volume
// has for it too, even where the whole machine is allowed.
func TestOtherNamesOfTheDataVolume(t *testing.T) {
	p := &policy.Policy{Exec: policy.Exec{Commands: true, System: true}, Paths: []policy.PathRule{
		allowRule("/", policy.AccessWrite),
		{Path: "/Users/ada/.ssh", Effect: policy.Deny},
		{Path: "/Users/*/key", Glob: true, Effect: policy.Deny},
		{Path: "/System/Volumes/Data/Users/ada/x", Effect: policy.Deny},
	}}
	judgeAll(t, p, testOptions(), []judged{
		{"file-read-data", "/System/Volumes/Data/Users/ada/.ssh/id", false, "1"},
		{"file-read-data", "/System/Volumes/Data/Users/ada/key", false, "2"},
		{"file-read-data", "/Users/ada/x", false, "3"},
		{"file-read-data", "/System/Volumes/Data/Users/ada/x", false, "3"},
		{"file-read-data", "/Users/ada/y", true, ""},
	})
}

// TestTheWayCanBeLookedAt: a program may find out where it is, and sees
// nothing of what lies beside the way.
func TestTheWayCanBeLookedAt(t *testing.T) {
	p := &policy.Policy{Exec: policy.Exec{Commands: true, System: true}, Paths: []policy.PathRule{
		allowRule("/Users/ada/.openclaw/agents/coder", policy.AccessWrite),
		{Path: "/Users/ada/.openclaw", Effect: policy.Deny, Except: []string{"/Users/ada/.openclaw/agents/coder"}},
	}}
	text, err := Profile(p, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	m, err := newModel(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range above("/Users/ada/.openclaw/agents/coder") {
		if allow, _ := m.judge(lastWins, "file-read-metadata", folder); !allow {
			t.Errorf("%s cannot be looked at", folder)
		}
		if allow, _ := m.judge(lastWins, "file-read-data", folder); allow {
			t.Errorf("%s can be listed", folder)
		}
		if allow, _ := m.judge(lastWins, "file-read-metadata", folder+"/other"); allow {
			t.Errorf("%s/other can be looked at", folder)
		}
	}
}

func TestPatternsCannotAllow(t *testing.T) {
	for _, rule := range []policy.PathRule{
		{Path: "/a/*", Glob: true, Effect: policy.Allow}, {Path: "a", Effect: policy.Allow}, {Path: "/a/../b", Effect: policy.Deny},
		{Path: "/a\x00b", Effect: policy.Deny}, {Path: "/a", Effect: policy.Deny, Except: []string{"b"}}, {Path: "/[", Glob: true, Effect: policy.Deny},
	} {
		if text, err := Profile(&policy.Policy{Paths: []policy.PathRule{rule}}, testOptions()); err == nil || text != "" {
			t.Errorf("%+v became a profile", rule)
		}
	}
	for _, o := range []Options{{Run: "r", Temp: "x"}, {Run: "r", Denied: []string{"/a/"}}, {Run: "r", Interpreters: []string{"sh"}}} {
		if _, err := Profile(&policy.Policy{}, o); err == nil {
			t.Errorf("%+v became a profile", o)
		}
	}
	if _, err := Profile(nil, testOptions()); err == nil {
		t.Error("a profile without a policy")
	}
}
