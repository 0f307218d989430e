package sandbox_test

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// An agent that is allowed a path which is not there yet makes no link of it: the next
// cage would open what it leads to, whatever the agent chose. What else it makes there
// it has.
func TestAgentChoosesNothingByALink(t *testing.T) {
	w := newWorld(t).allow("later", "drafts/new")
	w.write("drafts/old", "old")
	res := w.sh(`ln -s ~/other ~/later; ln -s ../other ~/drafts/new; echo mine > ~/later && cat ~/later; rm ~/later; ln -s ~/other ~/later; mkdir ~/later && ln -s . ~/later/inside && cat ~/later/inside/inside/notes.txt`)
	if res.out != "mine\n" {
		t.Errorf("out %q, err %q", res.out, res.err)
	}
	got := w.brief(res.denials)
	if n := len(slices.DeleteFunc(slices.Clone(got), func(line string) bool { return line != "path.write symlink ~/later" })); n != 2 || !slices.Contains(got, "path.write symlink ~/drafts/new") {
		t.Errorf("denials %q", got)
	}
	if res := w.sh("cat ~/later/notes.txt ~/drafts/new/notes.txt; echo changed > ~/later/notes.txt; cat ~/other/notes.txt"); strings.Contains(res.out, "notes") || w.read("other/notes.txt") != "notes" {
		t.Errorf("in the next run: out %q, other/notes.txt %q", res.out, w.read("other/notes.txt"))
	}
}

// Nor does it bring a link there that it made where it may, by whichever call, also when
// another agent puts the link in the place of a file meanwhile. The file that a link
// would have replaced stays.
func TestAgentBringsNoLinkToAnAllowedName(t *testing.T) {
	w := newWorld(t).allow("project")
	w.write("served/file", "file")
	rename := "my ($a, $b) = map { \"$_\" } @_; syscall(" + strconv.Itoa(unix.SYS_RENAMEAT2) + ", -100, $a, -100, $b, $_[2])"
	k := talkTo(t, w.spec("perl", "-e", `$| = 1; $later = "$ENV{HOME}/later"; $second = "$ENV{HOME}/second"; $target = "$ENV{HOME}/other";
		sub move { `+rename+` == 0 } sub fresh { unlink "l"; symlink $target, "l" or die "no link: $!"; }
		<STDIN>; chdir "$ENV{HOME}/served" or die "$!"; open(F, ">", $later) or die "$later: $!"; print F "kept"; close F; fresh; $did = "";
		move("l", $later, 0) and $did .= "renamed "; fresh; move("l", $later, 2) and $did .= "exchanged "; fresh; move($later, "l", 2) and $did .= "exchanged back "; fresh;
		link("l", $second) and $did .= "linked ";
		for (1 .. 500) { unlink $second; move("f", $second, 0); -l $second and $did .= "raced ", last; unlink $second; link("f", $second); -l $second and $did .= "raced a link ", last;
			open(F, ">", $second); close F; move($second, "f", 2); -l $second and $did .= "raced an exchange ", last }
		print "did: $did\n"`), start)
	if _, err := k.process.Update(w.allow("served", "later", "second").policy()); err != nil {
		t.Fatal(err)
	}
	var stop atomic.Bool
	var swapping sync.WaitGroup
	swapping.Go(func() { // as another agent may that shares the folder
		for file, next := w.path("served/f"), w.path("served/next"); !stop.Load(); {
			_ = errors.Join(os.Symlink(w.path("other"), next), os.Rename(next, file), os.WriteFile(next, nil, 0o600), os.Rename(next, file))
		}
	})
	defer swapping.Wait()
	defer stop.Store(true)
	if got := k.say(""); got != "did:" {
		t.Error(got)
	}
	if got := w.read("later"); got != "kept" {
		t.Errorf("the file is %q", got)
	}
	res := k.end()
	for _, want := range []string{"path.write rename ~/later", "path.write link ~/second"} {
		if !slices.Contains(w.brief(res.denials), want) {
			t.Errorf("no %q among the denials", want)
		}
	}
	if info, err := os.Lstat(w.path("second")); err == nil && info.Mode()&os.ModeSymlink != 0 || err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Error(info, err)
	}
}

func TestChosenLinksAsOrdinaryUser(t *testing.T) {
	ordinary(t, "^(TestAgentChoosesNothingByALink|TestAgentBringsNoLinkToAnAllowedName)$")
}
