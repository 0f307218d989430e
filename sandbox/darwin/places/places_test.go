package places

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"openclaw/sandbox/policy"
)

func folder(t *testing.T) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func TestResolve(t *testing.T) {
	root := folder(t)
	for _, dir := range []string{"real/deep", "other"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{
		"a": "real", "b": filepath.Join(root, "a/deep"), "real/up": "../other", "round": "round", "nowhere": "missing/x", "file": "real/f",
	} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "real/f"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, physical, links string }{
		{"real/deep", "real/deep", ""},
		{"a/deep/new", "real/deep/new", "a"},
		{"b/x", "real/deep/x", "b a"},
		{"a/up/x", "other/x", "a real/up"},
		{"nowhere", "missing/x", "nowhere"},
		{"missing/./y", "missing/y", ""},
		{"file/below", "real/f/below", "file"},
	}
	for _, test := range tests {
		for _, fold := range []bool{false, true} {
			physical, links, err := Resolve(filepath.Join(root, test.name), fold)
			if err != nil {
				t.Fatal(err)
			}
			for i := range links {
				links[i] = strings.TrimPrefix(links[i], root+"/")
			}
			if physical != filepath.Join(root, test.physical) || strings.Join(links, " ") != test.links {
				t.Errorf("%s: %s by %v", test.name, physical, links)
			}
		}
	}
	if _, _, err := Resolve(filepath.Join(root, "round"), false); err == nil {
		t.Error("a link to itself was resolved")
	}
	if got, _, err := Resolve("/", true); err != nil || got != "/" {
		t.Errorf("%s, %v", got, err)
	}
}

// TestStoredLetters stands in for a file system that ignores case: the file is
// found by its identity.
func TestStoredLetters(t *testing.T) {
	root := folder(t)
	if err := os.Mkdir(filepath.Join(root, ".SSH"), 0o700); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(filepath.Join(root, ".SSH"))
	if err != nil {
		t.Fatal(err)
	}
	if got := stored(root, ".ssh", info); got != ".SSH" {
		t.Errorf("stored as %q", got)
	}
	other, err := os.Lstat(root)
	if err != nil {
		t.Fatal(err)
	}
	if got := stored(root, ".ssh", other); got != ".ssh" {
		t.Errorf("another file was taken for it: %q", got)
	}
}

func TestDenied(t *testing.T) {
	root := folder(t)
	for _, name := range []string{"p/.env", "p/a/b/.env", "p/.environment", "p/keys/one.pem", "q/.env"} {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, problems := policy.Compile(policy.Input{
		Agent: "a", Home: "/home/ada", StateDir: "/home/ada/.openclaw",
		Own: policy.Permissions{
			AllowedPaths: []policy.PathEntry{{Path: root + "/p"}},
			DeniedPaths:  []string{root + "/p/**/.env", root + "/p/keys/*"},
		},
	})
	if p == nil {
		t.Fatal(problems)
	}
	got, err := Denied(p, []string{root + "/p", root + "/none"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{root + "/p/.env", root + "/p/a/b/.env", root + "/p/keys/one.pem"}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("found %v", got)
	}
	p.Paths = slices.DeleteFunc(p.Paths, func(r policy.PathRule) bool { return r.Glob })
	if got, err := Denied(p, []string{root}); err != nil || got != nil {
		t.Errorf("searched without a pattern: %v, %v", got, err)
	}
}
