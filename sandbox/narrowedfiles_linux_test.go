package sandbox_test

import (
	"os"
	"testing"
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
	ordinary(t, "^(TestNarrowingEndsWrites|TestWhatWasFoundStaysDenied)$")
}
