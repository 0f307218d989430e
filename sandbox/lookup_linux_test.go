package sandbox

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"openclaw/sandbox/linux/mounts"
	"openclaw/sandbox/policy"
)

// What is found by one look is what is found by a look at each name: on random trees of
// folders, files and links, for random paths through them.
func TestLookupByOneLook(t *testing.T) {
	root, err := os.MkdirTemp("/var/tmp", "openclaw-lookup-test-") //nolint:usetesting // t.TempDir may lie in /tmp, which every cage has of its own
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	compiled, problems := policy.Compile(policy.Input{
		Agent: "coder", Home: root, StateDir: filepath.Join(root, ".openclaw"),
		Own: policy.Permissions{AllowedPaths: []policy.PathEntry{{Path: root}}}, Getenv: func(string) string { return "" },
	})
	for _, problem := range problems {
		if !problem.Warning {
			t.Fatal(problem)
		}
	}
	plan, err := mounts.Make(compiled)
	if err != nil {
		t.Fatal(err)
	}
	j := &judge{process: &Process{plan: plan}}

	names := []string{"a", "b", "c"}
	random := func(depth int) string {
		var parts []string
		for range 1 + rand.IntN(depth) {
			parts = append(parts, names[rand.IntN(len(names))])
		}
		return filepath.Join(parts...)
	}
	for range 60 {
		at := filepath.Join(root, random(4))
		_ = os.MkdirAll(filepath.Dir(at), 0o700) // what is in the way stays
		switch to := random(3); rand.IntN(5) {
		case 0:
			_ = os.Symlink(to, at)
		case 1:
			_ = os.Symlink(filepath.Join(root, to), at)
		case 2:
			_ = os.Symlink("../"+to, at)
		case 3:
			_ = os.WriteFile(at, nil, 0o600)
		default:
			_ = os.MkdirAll(at, 0o700)
		}
	}
	told, linked := 0, 0
	for range 5000 {
		name := filepath.Join(root, random(6))
		switch rand.IntN(6) {
		case 0:
			name += "/"
		case 1:
			name = strings.Replace(name, "/a", "/./a", 1)
		case 2:
			name += "/../" + random(2)
		}
		follow := rand.IntN(2) == 0
		real, exists, readOnly := j.lookup(os.Getpid(), name, follow)
		got := fmt.Sprint(real, exists, readOnly)
		real, exists, readOnly = j.stepwise(os.Getpid(), name, follow)
		if want := fmt.Sprint(real, exists, readOnly); got != want {
			t.Errorf("%s, follow %v: %s, name by name %s", name, follow, got, want)
		}
		if _, _, ok := j.direct(name, follow); ok {
			told++
		} else {
			linked++
		}
	}
	if told < 100 || linked < 100 {
		t.Errorf("one look tells of %d paths, and cannot of %d", told, linked)
	}
	for _, private := range []string{"/proc/self", "/tmp", "/tmp/x"} {
		if _, _, ok := j.direct(private, true); ok {
			t.Errorf("%s is looked for on the host", private)
		}
	}
}
