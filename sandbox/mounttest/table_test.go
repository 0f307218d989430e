//go:build linux

package mounttest

import (
	"slices"
	"testing"
)

// What a cage could do to the machine's mounts is seen; another test's own is not.
func TestTable(t *testing.T) {
	const home = "/var/tmp/openclaw-test-1"
	line := func(at string) string { return "30 23 0:26 / " + at + " rw,nosuid shared:9 - tmpfs none rw" }
	seen := []string{line("/"), line("/usr"), line("/tmp"), line("/tmp/x"), line("/var/tmp"), line("/var/tmp/x"), line(home), line(home + "/project/secret"), line("/run/user/0/x"), "odd"}
	var table string
	for i, one := range seen {
		table += one + "\n"
		table += line([]string{"/tmp/TestOther1/001", "/var/tmp/openclaw-test-11/disk", "/var/tmp/openclaw-test-2/project/disk"}[i%3]) + "\n"
	}
	if got := own(table, home); !slices.Equal(got, seen) {
		t.Errorf("got %q, want %q", got, seen)
	}
	if got, err := Table(home); err != nil || len(got) == 0 {
		t.Errorf("%q %v", got, err)
	}
}
