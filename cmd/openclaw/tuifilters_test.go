package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A filter that the screen saves stands in the config beside its comments, as its draft
// said; one that the config does not take changes nothing.
func TestTheScreenSavesFilters(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	path := filepath.Join(home, ".openclaw", "config.yaml")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	const before = "# mine\ntui:\n  bell: false # at night\n"
	if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	screen := &terminal{getenv: func(name string) string { return map[string]string{"HOME": home}[name] }}
	text := func() string {
		t.Helper()
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	const line = "agent:coder -state:closed /a: b/ since:1h"
	draft, err := screen.saveFilter("mine", line, false)
	if err != nil || text() != before {
		t.Fatalf("a draft wrote: %v\n%s", err, text())
	}
	written, err := screen.saveFilter("mine", line, true)
	if err != nil {
		t.Fatal(err)
	}
	var added []string
	for _, l := range written.Diff {
		if strings.HasPrefix(l, "+") {
			added = append(added, l[1:])
		}
	}
	if got, want := text(), before+strings.Join(added, "\n")+"\n"; got != want || !slices.Equal(draft.Diff, written.Diff) || len(added) != 2 {
		t.Errorf("not what was shown, %q:\n%s", draft.Diff, got)
	}
	if lines := strings.Split(text(), "\n"); written.Line != 5 || !strings.Contains(lines[written.Line-1], "mine") {
		t.Errorf("line %d:\n%s", written.Line, text())
	}
	snapshot, err := screen.loadConfig()
	if err != nil || snapshot.Config.Screen.Filters["mine"] != line {
		t.Errorf("it reads back as %q, %v", snapshot.Config.Screen.Filters, err)
	}
	now := text()
	for _, c := range [][3]string{
		{"other", "/[/", "missing closing ]"}, {"Bad Name", "x", "not a name of a filter"}, {"two", "@mine", "cannot hold another"}, {"gone", "", "no filter is saved as gone"},
	} {
		for _, write := range []bool{false, true} {
			if _, err := screen.saveFilter(c[0], c[1], write); err == nil || !strings.Contains(err.Error(), c[2]) {
				t.Errorf("%q: %v", c, err)
			}
		}
	}
	if text() != now {
		t.Errorf("what was refused changed it:\n%s", text())
	}
	if _, err := screen.saveFilter("mine", "", true); err != nil || strings.Contains(text(), "mine:") || !strings.Contains(text(), "# at night") {
		t.Errorf("taken out: %v\n%s", err, text())
	}
}
