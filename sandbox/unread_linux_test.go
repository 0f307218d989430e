package sandbox_test

import (
	"fmt"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"openclaw/sandbox"
)

// A program that keeps its memory to itself, as keepers of keys do, can hide from
// nobody that it is refused something: where its calls cannot be judged, that is
// reported. Root reads the memory of all, and hears what they were about.
func TestRefusalsOfUnreadablePrograms(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		w := newWorld(t).allow("project")
		_, wait := start(t, w.spec("perl", "-e", fmt.Sprintf(`
			syscall(%d, %d, 0, 0, 0, 0) == 0 or die "prctl: $!";
			my $at = $ENV{HOME}; my @did;
			open(my $f, "<", "$at/other/notes.txt") and push @did, "read";
			mkdir("$at/other/made") and push @did, "made";
			exec("$at/other/notes.txt") or print "held @did";`, unix.SYS_PRCTL, unix.PR_SET_DUMPABLE)))
		res := wait()
		if res.out != "held " {
			t.Errorf("out %q, err %q", res.out, res.err)
		}
		for _, operation := range []string{"open", "mkdir", "execve"} {
			if !slices.ContainsFunc(res.denials, func(d sandbox.Denial) bool { return d.Operation == operation && d.PID != 0 }) {
				t.Errorf("nobody heard of %s: %q", operation, w.brief(res.denials))
			}
		}
	})
}

func TestRefusalsOfUnreadableProgramsAsOrdinaryUser(t *testing.T) {
	ordinary(t, "^TestRefusalsOfUnreadablePrograms$")
}
