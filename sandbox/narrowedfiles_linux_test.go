package sandbox_test

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"openclaw/sandbox"
)

// A file that is open for writing takes no more once the policy has become narrower,
// by whichever call.
func TestNarrowingEndsWrites(t *testing.T) {
	w := newWorld(t).allow("project")
	w.write("other/log", "before\n")
	k := talkTo(t, w.spec("sh", "-c", `read go; exec 4>>~/other/log; echo more >&4; echo opened; read go
		did=; echo late >&4 && did=wrote; perl -e 'open F, ">>&=4"; exit !truncate(F, 0)' && did="$did cut"; fallocate -l 8192 /proc/self/fd/4 && did="$did grew"; chmod 777 /proc/self/fd/4 && did="$did mode"; echo "did: $did"`), start)
	if _, err := k.process.Update(w.allow("other").policy()); err != nil {
		t.Fatal(err)
	}
	if got := k.say("go"); got != "opened" {
		t.Fatal(got)
	}
	if got := w.read("other/log"); got != "before\nmore\n" {
		t.Errorf("the file is not written while it is allowed: %q", got)
	}
	w.perms.AllowedPaths = nil
	if change, err := k.process.Update(w.allow("project").policy()); err != nil || len(change.StillOpen) > 0 {
		t.Fatal(change, err)
	}
	if got := k.say("go"); got != "did:" {
		t.Error(got)
	}
	if got := w.read("other/log"); got != "before\nmore\n" {
		t.Errorf("the file is %q", got)
	}
	k.end()
}

// A file that is open and has no name any more, because another one has taken it, is
// closed by a narrower policy as it would be under that name.
func TestNarrowingReachesFilesThatWereReplaced(t *testing.T) {
	w := newWorld(t).allow("project")
	for _, name := range []string{"denied", "mapped", "kept"} {
		w.write("other/"+name, "first\n")
	}
	k := talkTo(t, w.spec("perl", "-e", `$| = 1; sub opened { open(my $f, $_[0], "$ENV{HOME}/other/$_[1]") or die "$_[1]: $!"; $f }
		<STDIN>; ($d, $w, $k, $m) = (opened("<", "denied"), opened("+<", "denied"), opened("+<", "kept"), opened("<", "mapped")); <$m>; print "open\n"; <STDIN>; -s "$ENV{HOME}/other/$_" == 7 or die "$_ is the old one" for qw(denied kept mapped); print "seen\n"; <STDIN>;
		seek($m, 0, 0); print "mapped: ", scalar(<$m>) ? "read" : "no", ", kept: ", $k->getline =~ s/\n//r, " ", truncate($k, 0) ? "cut" : "no";
		print ", denied: ", defined(sysread($d, $x, 9)) ? "read" : "no", " ", defined(syswrite($w, "late")) ? "wrote" : "no", " ", truncate($w, 0) ? "cut" : "no", " ", utime(1, 1, $w) ? "times" : "no", "\n"`), start)
	if _, err := k.process.Update(w.allow("other").policy()); err != nil {
		t.Fatal(err)
	}
	if got := k.say(""); got != "open" {
		t.Fatal(got)
	}
	for _, name := range []string{"denied", "mapped", "kept"} {
		if err := errors.Join(os.Link(w.path("other/"+name), w.path("other/old-"+name)), os.WriteFile(w.path("new"), []byte("second\n"), 0o600), os.Rename(w.path("new"), w.path("other/"+name))); err != nil {
			t.Fatal(err)
		}
	}
	if got := k.say(""); got != "seen" {
		t.Fatal(got)
	}
	if _, err := k.process.Update(w.deny("other/denied", "other/mapped").policy()); err != nil {
		t.Fatal(err)
	}
	if got, want := k.say(""), "mapped: no, kept: first cut, denied: no no no no"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := w.read("other/old-denied"); got != "first\n" {
		t.Errorf("the file is %q", got)
	}
	k.end()
}

// If what the kernel has of an open file cannot be forgotten when a narrower policy denies it,
// the run ends: programs would read it on.
func TestNarrowingThatCannotCloseFilesEndsTheRun(t *testing.T) {
	w := newWorld(t).allow("project")
	k := newTalk(t, w)
	if _, err := k.process.Update(w.allow("other").policy()); err != nil {
		t.Fatal(err)
	}
	if got := k.say("exec 4<~/other/notes.txt; echo open"); got != "open" {
		t.Fatal(got)
	}
	if err := sandbox.SetLimit(parentOf(t, k.process.PID()), unix.RLIMIT_NOFILE, 0); err != nil { // it can open nothing
		t.Fatal(err)
	}
	w.perms.AllowedPaths = nil
	if _, err := k.process.Update(w.allow("project").policy()); err != nil {
		t.Fatal(err)
	}
	k.isEnded("close files that were denied")
}

// What a pattern denies through a link is denied after every change of the policy,
// as it was from the start.
func TestWhatWasFoundStaysDenied(t *testing.T) {
	w := newWorld(t)
	if err := os.Symlink("project", w.path("link")); err != nil {
		t.Fatal(err)
	}
	w.allow("link").deny("li*/**/.env")
	w.write("project/deep/.env", "PASSWORD=y")
	process, try, end := shellIn(t, w)
	held := func(when string) {
		t.Helper()
		for _, name := range []string{"~/link/.env", "~/project/.env", "~/project/deep/.env"} {
			if try("cat " + name) {
				t.Errorf("%s %s is read", when, name)
			}
		}
		if !try("cat ~/link/main.go") {
			t.Errorf("%s what is allowed is not read", when)
		}
	}
	held("at first")
	if _, err := process.Update(w.allow("other").policy()); err != nil {
		t.Fatal(err)
	}
	held("after a change")
	end()
}

func TestNarrowedFilesAsOrdinaryUser(t *testing.T) {
	ordinary(t, "^(TestNarrowingEndsWrites|TestNarrowingReachesFilesThatWereReplaced|TestWhatWasFoundStaysDenied)$")
}
