//go:build linux

package mounts

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"openclaw/sandbox/policy"
)

func tree(tb testing.TB, files ...string) string {
	tb.Helper()
	root, err := os.MkdirTemp("/var/tmp", "openclaw-plan-test-") //nolint:usetesting // t.TempDir may lie in /tmp
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(root) })
	for _, name := range files {
		full := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(full, nil, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return root
}

func rule(effect policy.Effect, access policy.Access, name string) policy.PathRule {
	return policy.PathRule{Path: name, Effect: effect, Access: access, Origin: policy.Origin{File: "config.yaml", Line: 1}}
}

func brief(root string, p *Plan) []string {
	var lines []string
	for _, s := range p.Steps {
		if name, ok := strings.CutPrefix(s.Path, root); ok {
			kind := string(s.Do)
			if s.Write {
				kind += " write"
			}
			lines = append(lines, kind+" "+name)
		}
	}
	return lines
}

func TestSteps(t *testing.T) {
	const w, r = policy.AccessWrite, policy.AccessRead
	for _, c := range []struct {
		name  string
		rules func(root string) []policy.PathRule
		want  []string
	}{
		{"deny inside allow: the folders between are served, those beside are bound", func(root string) []policy.PathRule {
			return []policy.PathRule{rule(policy.Allow, w, root+"/p"), rule(policy.Deny, "", root+"/p/a/b/secret")}
		}, []string{"level write /p", "bind write /p/c", "bind write /p/a/d"}},
		{"deny what is not there", func(root string) []policy.PathRule {
			return []policy.PathRule{rule(policy.Allow, w, root+"/p"), rule(policy.Deny, "", root+"/p/x/y")}
		}, []string{"level write /p", "bind write /p/a", "bind write /p/c"}},
		{"read inside write", func(root string) []policy.PathRule {
			return []policy.PathRule{rule(policy.Allow, w, root+"/p"), rule(policy.Allow, r, root+"/p/a")}
		}, []string{"level write /p", "bind /p/a", "bind write /p/c"}},
		{"write inside read", func(root string) []policy.PathRule {
			return []policy.PathRule{rule(policy.Allow, r, root+"/p"), rule(policy.Allow, w, root+"/p/a")}
		}, []string{"bind /p", "bind write /p/a"}},
		{"deny above allow wins", func(root string) []policy.PathRule {
			return []policy.PathRule{rule(policy.Allow, w, root+"/p/a"), rule(policy.Deny, "", root+"/p")}
		}, nil},
		{"an exception of a denial", func(root string) []policy.PathRule {
			deny := rule(policy.Deny, "", root+"/p")
			deny.Except = []string{root + "/p/a"}
			return []policy.PathRule{rule(policy.Allow, w, root+"/p/a"), deny}
		}, []string{"bind write /p/a"}},
		{"what does not exist is not bound", func(root string) []policy.PathRule {
			return []policy.PathRule{rule(policy.Allow, w, root+"/none")}
		}, nil},
		{"the same twice", func(root string) []policy.PathRule {
			return []policy.PathRule{rule(policy.Allow, w, root+"/p"), rule(policy.Allow, w, root+"/p"), rule(policy.Allow, w, root+"/p/a")}
		}, []string{"bind write /p"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := tree(t, "p/a/b/secret", "p/file", "p/a/d/file", "p/c/file")
			plan, err := Make(&policy.Policy{Paths: c.rules(root), Exec: policy.Exec{Commands: true}})
			if err != nil {
				t.Fatal(err)
			}
			if got := brief(root, plan); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestResolve(t *testing.T) {
	root := tree(t, "real/file")
	for _, link := range [][2]string{{"real", "a"}, {"a", "b"}, {"loop", "loop"}, {"../" + filepath.Base(root) + "/real/file", "rel"}, {"nowhere", "dangling"}} {
		if err := os.Symlink(link[0], filepath.Join(root, link[1])); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]resolved{
		"/real/file":   {named: "/real/file", real: "/real/file", exists: true},
		"/b/file":      {named: "/real/file", real: "/real/file", exists: true},
		"/b":           {named: "/b", real: "/real", exists: true},
		"/rel":         {named: "/rel", real: "/real/file", exists: true},
		"/b/none/deep": {named: "/real/none/deep", real: "/real/none/deep"},
		"/dangling":    {named: "/dangling", real: "/nowhere"},
		"/file/x":      {named: "/file/x", real: "/file/x"},
	} {
		got, err := newLookups().resolve(root + name)
		if err != nil || got.named != root+want.named || got.real != root+want.real || got.exists != want.exists {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
	if _, err := newLookups().resolve(root + "/loop"); err == nil {
		t.Error("a loop was resolved")
	}
}

// No region is wider than the decision about the path, whatever the rules.
func FuzzRegions(f *testing.F) {
	f.Add("/a", "/a/b", "/a/b/c", uint8(0))
	f.Add("/a/b", "/a", "/a/b/c", uint8(5))
	f.Add("/tmp/x", "/tmp", "/tmp/x/y", uint8(7))
	f.Fuzz(func(t *testing.T, one, two, three string, kinds uint8) {
		p := &policy.Policy{}
		for i, name := range []string{one, two, three} {
			if !filepath.IsAbs(name) || filepath.Clean(name) != name || strings.IndexByte(name, 0) >= 0 || len(name) > 200 {
				return
			}
			next := rule(policy.Allow, policy.AccessWrite, filepath.Clean("/nowhere-openclaw"+name))
			switch kinds >> (2 * i) & 3 {
			case 0:
				next.Effect, next.Access = policy.Deny, ""
			case 1:
				next.Access = policy.AccessRead
			}
			p.Paths = append(p.Paths, next)
		}
		plan, err := Preview(p)
		if err != nil {
			return
		}
		for _, base := range []string{one, two, three} {
			for _, name := range []string{"/nowhere-openclaw" + base, "/nowhere-openclaw" + base + "/below", filepath.Dir("/nowhere-openclaw" + base)} {
				region := plan.Regions.Of(filepath.Clean(name))
				read := p.Decide(policy.Request{Class: policy.ClassPathRead, Path: filepath.Clean(name)}).Effect == policy.Allow
				write := p.Decide(policy.Request{Class: policy.ClassPathWrite, Path: filepath.Clean(name)}).Effect == policy.Allow
				if region == Write && !write || region == Read && !read || region == Gate && read {
					t.Errorf("%q is %v; read %v, write %v under %+v", name, region, read, write, p.Paths)
				}
			}
		}
	})
}

// A person is told of a path that they allowed and that is not there; not of the dozens
// that are built in for whoever has them.
func TestWhatIsMissedWasWritten(t *testing.T) {
	root := tree(t, "p/file")
	plan, err := Make(&policy.Policy{Exec: policy.Exec{Commands: true}, Paths: []policy.PathRule{
		{Path: root + "/written", Effect: policy.Allow, Access: policy.AccessWrite, Origin: policy.Origin{File: "config.yaml", Line: 3}},
		{Path: root + "/p/.profile", Effect: policy.Allow, Access: policy.AccessRead, Origin: policy.Origin{BuiltIn: "what a shell starts by"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Warnings) != 1 || !strings.HasPrefix(plan.Warnings[0], root+"/written does not exist") {
		t.Errorf("%q", plan.Warnings)
	}
}

// What another program makes in an allowed folder does not make the plan of it as
// large as it likes: folders that lie very deep are the gate's, by one place each.
func TestDeepFoldersAreNotLookedThrough(t *testing.T) {
	var files []string
	for _, name := range []string{"a", "b", "c"} {
		files = append(files, "p/"+name+strings.Repeat("/d", 1900)+"/.env")
	}
	root := tree(t, files...)
	deny := rule(policy.Deny, "", root+"/p/**/.env")
	deny.Glob = true
	plan, err := Make(&policy.Policy{Paths: []policy.PathRule{rule(policy.Allow, policy.AccessWrite, root+"/p"), deny}})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(plan.Regions.ServedFolders()); n > 3*MaxDepth {
		t.Errorf("%d folders are looked after", n)
	}
	for _, name := range files {
		if dir := filepath.Dir(root + "/" + name); !plan.Regions.Served(dir) || plan.Regions.Native(plan.Policy, dir).Native() {
			t.Errorf("%.60s… is not the gate's", dir)
		}
	}
}

// A folder is walked through once, however many patterns may match in it, and what each
// of them denies is found.
func TestOneWalkForAllPatterns(t *testing.T) {
	root := tree(t, "p/a/.env", "p/b/key.pem", "p/c/x", "p/sub/d/.env")
	glob := func(pattern string) policy.PathRule {
		r := rule(policy.Deny, "", pattern)
		r.Glob = true
		return r
	}
	plan, err := Make(&policy.Policy{Agent: "coder", Paths: []policy.PathRule{
		rule(policy.Allow, policy.AccessWrite, root+"/p"), glob("/**/.env"), glob("/**/*.pem"), glob(root + "/p/**/.env"), glob(root + "/p/sub/**/y"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{root + "/p", root + "/p/sub"}; !slices.Equal(plan.Watched, want) {
		t.Errorf("walked through %q, want %q", plan.Watched, want)
	}
	for name, region := range map[string]Region{"a/.env": Gate, "b/key.pem": Gate, "sub/d/.env": Gate, "c/x": Write} {
		if got := plan.Regions.Of(root + "/p/" + name); got != region {
			t.Errorf("%s is %v, want %v", name, got, region)
		}
	}
}
