package sandbox_test

import (
	"strings"
	"testing"
	"time"
)

// Of a file that comes to match a denied pattern the person is told all: it is closed
// by its path, and what was in its folder before is in it still.
func TestPatternSeenFromInside(t *testing.T) {
	w := newWorld(t).allow("project")
	w.perms.DeniedPaths = append(w.perms.DeniedPaths, "**/.env")
	process, try, end := shellIn(t, w)
	defer end()
	if !try("ls " + w.path("project/deep/er")) {
		t.Fatal("the folder is not there")
	}
	w.write("project/deep/er/.env", "PASSWORD")
	told := func() bool {
		return strings.Contains(strings.Join(process.Report().Warnings, "\n"), "project/deep/er/.env came to match a denied pattern during the run; it is refused now by its path")
	}
	for end := time.Now().Add(10 * time.Second); !told(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("nobody was told: %q", process.Report().Warnings)
		}
	}
	if !strings.Contains(strings.Join(process.Report().Warnings, "\n"), "a program that was in its folder before can read it until the run ends") {
		t.Errorf("half was told: %q", process.Report().Warnings)
	}
	if try("cat " + w.path("project/deep/er/.env")) {
		t.Error("it stays readable by its path")
	}
}
