//go:build linux

package cgroup

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A limit that was written and is not there is an error: where files only look like
// the kernel's, nothing would hold a run.
func TestLimitThatIsNotTakenIsAnError(t *testing.T) {
	for _, file := range []string{"memory.swap.max", "memory.oom.group", "memory.max", "command/pids.max", "cpu.max"} {
		g := &Group{dir: t.TempDir(), have: []string{Memory, PIDs, CPU}}
		if err := os.Mkdir(filepath.Join(g.dir, "command"), 0o700); err != nil {
			t.Fatal(err)
		}
		limits := Limits{Memory: 256 << 20, PIDs: 50, CPU: 1500}
		for _, s := range limits.settings() {
			if err := os.WriteFile(filepath.Join(g.dir, s.file), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := g.Set(limits); err != nil {
			t.Fatalf("files that keep what is written: %v", err)
		}
		forgets := filepath.Join(g.dir, file)
		if err := os.Remove(forgets); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("/dev/null", forgets); err != nil {
			t.Fatal(err)
		}
		if err := g.Set(limits); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s keeps nothing, and %v", file, err)
		}
	}
}

// The kernel may round down to a page, and nothing else.
func TestLimitIsReadBack(t *testing.T) {
	page := os.Getpagesize()
	name := filepath.Join(t.TempDir(), "memory.max")
	for _, c := range []struct {
		wrote, got string
		taken      bool
	}{
		{"max", "max\n", true},
		{"max", "1048576\n", false},
		{"1048576", "max\n", false},
		{"1048577", "1048576\n", true},
		{"1048576", strconv.Itoa(1<<20-page+1) + "\n", true},
		{"1048576", strconv.Itoa(1<<20-page) + "\n", false},
		{"1048576", "1048577\n", false},
		{"150000 100000", "150000 100000\n", true},
		{"150000 100000", "max 100000\n", false},
		{"0", "", false},
	} {
		if err := os.WriteFile(name, []byte(c.got), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := readBack(name, setting{file: "memory.max", value: c.wrote}); (err == nil) != c.taken {
			t.Errorf("%q after %q was written: %v", c.got, c.wrote, err)
		}
	}
}
