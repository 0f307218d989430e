//go:build linux

// Package mounttest tells a test what of the machine's mounts is its own matter.
//
// Tests of other packages run meanwhile, and what they mount for themselves in a
// temporary folder of theirs comes and goes. Everything else that a cage could have
// mounted, changed or taken away is seen: at the roots, in the temporary folders
// themselves, and in the test's own. It is for tests only.
package mounttest

import (
	"fmt"
	"os"
	"strings"
)

// Table returns the lines of the machine's mounts (proc_pid_mountinfo(5)) without those
// below a folder of another test. home is the test's own.
func Table(home string) ([]string, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("read mounts: %w", err)
	}
	return own(string(text), home), nil
}

func own(table, home string) []string {
	var lines []string
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 5 || !others(fields[4], home) {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	return lines
}

// others reports whether a place lies in a folder that another test made.
func others(at, home string) bool {
	if at == home || strings.HasPrefix(at, home+"/") {
		return false
	}
	for _, dir := range []string{"/tmp", "/var/tmp", os.TempDir()} {
		if rest, in := strings.CutPrefix(at, dir+"/"); in && strings.Contains(rest, "/") {
			return true
		}
	}
	return false
}
