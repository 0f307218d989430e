package darwin

import (
	"os"
	"strings"
	"testing"

	"openclaw/sandbox/policy"
)

// TestGoldenProfiles shows whole profiles, to be read. UPDATE_GOLDEN=1 writes
// them anew.
func TestGoldenProfiles(t *testing.T) {
	yes, no := true, false
	tests := []struct {
		name string
		own  policy.Permissions
		role policy.Permissions
		hand *policy.Policy
		fold bool
	}{
		{name: "specification", own: policy.Permissions{
			AllowedPaths: []policy.PathEntry{{Path: "~/projects/project-a"}, {Path: "~/documents/work", Access: policy.AccessRead}, {Path: "/tmp/shared"}},
			DeniedPaths:  []string{"~/.ssh", "~/.aws", "~/projects/**/.env", "~/projects/project-a/\"secret\""},
			Network:      &policy.Network{AllowOutbound: &yes, AllowedDomains: []string{"api.anthropic.com"}},
		}},
		{name: "closed", own: policy.Permissions{ReadOnly: &yes, ExecuteCommands: &no}},
		{name: "letters", fold: true, hand: &policy.Policy{Exec: policy.Exec{Commands: true, System: true}, Paths: []policy.PathRule{
			{Path: "/srv/p", Effect: policy.Allow, Access: policy.AccessWrite},
			{Path: "/srv/p/Key.pem", Effect: policy.Deny},
			{Path: "/srv/**/.[eE]nv?", Glob: true, Effect: policy.Deny},
			{Path: "/srv", Effect: policy.Deny, Except: []string{"/srv/p", "/srv/q"}},
		}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, problems := policy.Compile(policy.Input{
				Agent: "coder", Home: "/Users/ada", StateDir: "/Users/ada/.openclaw", OwnKey: "agents.coder", Own: test.own,
			})
			if p == nil {
				t.Fatal(problems)
			}
			if test.hand != nil {
				p = test.hand
			}
			o := testOptions()
			o.FoldCase = test.fold
			o.Resolve = func(name string) (string, []string) {
				if rest, ok := strings.CutPrefix(name, "/Users/ada/documents"); ok { // a link of the person's
					return "/Volumes/Data/documents" + rest, []string{"/Users/ada/documents"}
				}
				return Physical(name), nil
			}
			text, err := Profile(p, o)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := readProfile(text); err != nil {
				t.Fatal(err)
			}
			if strings.ContainsFunc(text, func(r rune) bool { return r > '~' }) {
				t.Error("the profile of ASCII paths is not ASCII")
			}
			for _, link := range []string{`(subpath "/etc`, `(subpath "/var`, `(subpath "/tmp/`} {
				for rule := range strings.SplitSeq(text, "\n(") {
					if strings.HasPrefix(rule, "allow file-read*") && strings.Contains(rule, link) {
						t.Errorf("a rule allows a name that the kernel does not know: %s", rule)
					}
				}
			}
			file := "testdata/" + test.name + ".sb"
			if os.Getenv("UPDATE_GOLDEN") != "" {
				if err := os.MkdirAll("testdata", 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if string(want) != text {
				t.Errorf("%s has changed; look at the difference, then UPDATE_GOLDEN=1", file)
			}
		})
	}
}

// TestOnlyTheLoopbackAndTheRunsOwnSockets: no rule lets a connection out but
// to the ports that were given, and none by what it comes from.
func TestOnlyTheLoopbackAndTheRunsOwnSockets(t *testing.T) {
	text, err := Profile(&policy.Policy{}, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	p, err := readProfile(text)
	if err != nil {
		t.Fatal(err)
	}
	var open []string
	for _, r := range p.rules {
		for _, op := range r.ops {
			if !r.allow || !strings.HasPrefix(op, "net") && !strings.HasPrefix(op, "system") && op != "default" {
				continue
			}
			if len(r.filters) == 0 {
				t.Fatalf("%s is open to all", op)
			}
			for _, f := range r.filters {
				inner := f.list[2]
				if inner.isList {
					inner = inner.list[1]
				}
				open = append(open, op+" "+f.list[0].word+" "+f.list[1].word+" "+inner.text)
			}
		}
	}
	want := []string{
		"network-bind local unix-socket " + ourTemp, "network-outbound remote unix-socket " + ourTemp,
		"network-outbound remote tcp localhost:4711", "network-outbound remote tcp localhost:18789",
	}
	if strings.Join(open, "\n") != strings.Join(want, "\n") {
		t.Errorf("open are\n%s", strings.Join(open, "\n"))
	}
}

// TestNoRightOverTheMachine: what reaches other processes, the keychain and
// devices is never allowed.
func TestNoRightOverTheMachine(t *testing.T) {
	o := testOptions()
	text, err := Profile(&policy.Policy{Exec: policy.Exec{Commands: true, System: true}, Paths: []policy.PathRule{{Path: "/", Effect: policy.Allow, Access: policy.AccessWrite}}}, o)
	if err != nil {
		t.Fatal(err)
	}
	m, err := newModel(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range []string{
		"mach-lookup", "mach-register", "mach-priv-task-port", "iokit-open", "appleevent-send", "lsopen", "system-socket", "system-kext-load",
		"nvram-set", "process-info-pidinfo", "signal", "sysctl-write", "file-mount", "job-creation", "authorization-right-obtain",
		"user-preference-read", "ipc-posix-shm-read-data", "network-inbound", "device-camera",
	} {
		for order := range orders {
			if allow, _ := m.judge(order, op, "/x"); allow {
				t.Errorf("%s is allowed to everything", op)
			}
		}
	}
}
