package sandbox_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
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

const closedVariable = "OPENCLAW_TEST_CLOSED_PROGRAM"

// The same of a program of root's that others may run and not read, in a full cage.
func TestRefusalsOfClosedPrograms(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root makes a program that others cannot read")
	}
	dir, err := os.MkdirTemp("/var/tmp", "openclaw-cage-test-") //nolint:usetesting // no other user gets into t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	perl, err := os.ReadFile("/usr/bin/perl")
	if err != nil {
		t.Fatal(err)
	}
	if err := writeFile(filepath.Join(dir, "perl"), perl, 0o711); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv(closedVariable, filepath.Join(dir, "perl"))
	ordinary(t, "^TestRefusalsOfClosedProgramsHere$")
}

func TestRefusalsOfClosedProgramsHere(t *testing.T) {
	program := os.Getenv(closedVariable)
	if program == "" {
		t.Skip("TestRefusalsOfClosedPrograms runs this as an ordinary user")
	}
	w := newWorld(t).allow("project")
	w.perms.AllowedPaths = append(w.perms.AllowedPaths, policy.PathEntry{Path: filepath.Dir(program), Access: policy.AccessRead})
	_, wait := start(t, w.spec(program, "-e", `mkdir("$ENV{HOME}/project/made") or print "held"`))
	res := wait()
	if res.out != "held" || !slices.ContainsFunc(res.denials, func(d sandbox.Denial) bool { return d.Operation == "mkdir" }) {
		t.Errorf("out %q, err %q, denials %q", res.out, res.err, w.brief(res.denials))
	}
}
