package sandbox_test

import (
	"slices"
	"strings"
	"testing"

	"openclaw/sandbox/policy"
)

// reduced makes the agent accept the reduced mode, which its cage then is in.
func (w *world) reduced() *world {
	w.perms.Enforce = policy.EnforceReduced
	return w
}

// What a policy opens works, the rest is refused and seen.
func TestReducedFiles(t *testing.T) {
	w := newWorld(t).reduced().allow("project")
	res := w.sh(`cd ~/project; cat main.go && echo new > made && chmod 600 made && touch -d 2001-01-01 made; cat ~/other/notes.txt; echo x > ~/other/made;
		chmod 777 ~/other/notes.txt; touch -d 2001-01-01 ~/other; mv ~/other/notes.txt .; ln ~/other/notes.txt linked`)
	if !strings.HasPrefix(res.out, "package main") || w.read("project/made") != "new\n" || w.exists("other/made") || w.exists("project/linked") {
		t.Errorf("%q %q", res.out, res.err)
	}
	got := w.brief(res.denials)
	for _, want := range []string{
		"path.read open ~/other/notes.txt", "path.write create ~/other/made", "path.write chmod ~/other/notes.txt", "path.write utime ~/other",
		"path.write rename ~/other/notes.txt",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is not among %q", want, got)
		}
	}
	for _, d := range res.denials {
		if d.PID == 0 || d.Program == "" || d.Rule == "" {
			t.Errorf("%+v", d)
		}
	}
}
