package sandbox_test

import (
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// A file that another one replaced is in a reduced cage what it was by its last name: a
// program that has kept hold of it opens it by its descriptor no more than by that name
// before, and nobody is asked about a name that is another file's by now.
func TestReducedFileThatWasReplaced(t *testing.T) {
	w := newWorld(t).reduced().allow("project").deny("other/notes.txt")
	w.perms.Ask = []policy.Class{policy.ClassPathRead}
	w.write("other/asked.txt", "asked")
	spec := w.spec("perl", "-e", `$| = 1; $path = 010000000;
		sysopen($_, shift, $path) or die "$!" for my ($a, $b, $c); print "held\n"; <STDIN>;
		for ($a, $b, $c) { $at = "/proc/self/fd/" . fileno($_); print open(F, "<", $at) ? "opened " . <F> . ", " : "$!, " } print "\n"`,
		w.path("other/notes.txt"), w.path("other/asked.txt"), w.path("project/main.go"))
	var asked atomic.Int64
	spec.Asker = asker(func(d sandbox.Denial) bool {
		if strings.HasPrefix(d.Target, w.home) {
			asked.Add(1)
			t.Errorf("asked: %s %s", d.Operation, d.Target)
		}
		return true
	})
	k := talkTo(t, spec, start)
	if held := k.answer(); held != "held" {
		t.Fatal(held)
	}
	for _, name := range []string{"other/notes.txt", "other/asked.txt", "project/main.go"} {
		w.write("new", "new")
		if err := os.Rename(w.path("new"), w.path(name)); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := k.say(""), "Permission denied, Permission denied, opened package main,"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	res := k.end()
	for _, name := range []string{"other/notes.txt", "other/asked.txt"} {
		found := false
		for _, d := range res.denials {
			found = found || d.Target == w.path(name)
		}
		if !found {
			t.Errorf("no denial of %s in %q", name, w.brief(res.denials))
		}
	}
}
