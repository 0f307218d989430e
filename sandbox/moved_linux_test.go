package sandbox_test

import (
	"os"
	"strings"
	"testing"
	"time"
)

func (w *world) move(from, to string) {
	w.t.Helper()
	if err := os.Rename(w.path(from), w.path(to)); err != nil {
		w.t.Fatal(err)
	}
}

// Who is in a folder stays in it when somebody outside moves that or one above it, and what
// comes to match a denied pattern there is closed to them as anywhere.
func TestPatternSeenAfterMoveFromOutside(t *testing.T) {
	for name, moves := range map[string][][2]string{
		"its folder":           {{"project/top/sub/x", "project/x"}, {"project/x", "project/top/sub/y"}},
		"the one above":        {{"project/top/sub", "project/top/moved"}, {"project/top/moved", "project/moved"}},
		"one further up":       {{"project/top", "project/moved"}},
		"another in its place": {{"project/top/sub", "project/top/moved"}, {"other/sub", "project/top/sub"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, served := range []string{"from the start", "since"} {
				t.Run(served, func(t *testing.T) {
					w := newWorld(t).allow("project")
					w.perms.DeniedPaths = append(w.perms.DeniedPaths, "**/.env")
					w.write("project/top/sub/x/mine", "mine")
					w.write("other/sub/x/mine", "another")
					if served == "from the start" {
						w.write("project/top/sub/.env", "PASSWORD=0")
					}
					s := stand(t, w, "project/top/sub/x")
					if served != "from the start" {
						w.write("project/top/sub/.env", "PASSWORD=0")
						s.warns("project/top/sub/.env came to match a denied pattern during the run")
						if got := s.try("only %s", w.path("project/top/sub/x")); got != "done" {
							t.Fatal(got)
						}
					}
					at, told := "project/top/sub/x", ""
					for _, move := range moves {
						w.move(move[0], move[1])
						if rest, ok := below(at, move[0]); ok {
							at = move[1] + rest
						}
						if got := s.try("sh ls -R %s >/dev/null 2>&1", w.path("project")); got == "" {
							t.Fatal("no answer")
						}
						w.write(at+"/.env", "PASSWORD=1")
						if told == at {
							s.warns(at + "/.env is denied and was replaced from outside during the run; it is refused again")
						} else {
							s.warns(at + "/.env came to match a denied pattern during the run; it is refused now")
						}
						told = at
						s.refused(".env")
						if got := s.try("sh exec >/dev/null 2>&1; cat %s/mine && ! cat %s/.env", w.path(at), w.path(at)); got != "0" {
							t.Errorf("by its path: %q", got)
						}
						if err := os.Remove(w.path(at + "/.env")); err != nil {
							t.Fatal(err)
						}
					}
					if res := s.end(); res.status.Code != 0 {
						t.Errorf("%+v", res.status)
					}
				})
			}
		})
	}
}

// below is what follows a folder in a path.
func below(name, dir string) (string, bool) {
	if len(name) < len(dir) || name[:len(dir)] != dir || len(name) > len(dir) && name[len(dir)] != '/' {
		return "", false
	}
	return name[len(dir):], true
}

// The same when the watch for what comes is ahead of the one for what was moved.
func TestPatternSeenBeforeTheMove(t *testing.T) {
	w := newWorld(t).allow("project")
	w.perms.DeniedPaths = append(w.perms.DeniedPaths, "**/.env")
	w.write("project/top/sub/x/mine", "mine")
	w.write("project/top/sub/.env", "PASSWORD=0")
	s := stand(t, w, "project/top/sub/x")
	s.process.ForgetLevels()
	w.move("project/top", "project/moved")
	s.try("sh ls -R %s >/dev/null 2>&1", w.path("project"))
	w.write("project/moved/sub/x/.env", "PASSWORD=1")
	s.warns("project/moved/sub/x/.env came to match a denied pattern during the run; it is refused now")
	s.refused(".env")
	s.end()
}

// What somebody outside removes, replaces or makes anew below a folder that the gate came
// to serve during the run is in the cage what it is on the host.
func TestFoldersAreTheHostsWhereTheGateCameToServe(t *testing.T) {
	w := newWorld(t).allow("project")
	w.perms.DeniedPaths = append(w.perms.DeniedPaths, "**/.env")
	w.write("project/top/sub/x/mine", "mine")
	w.write("other/sub/x/mine", "another")
	k := newTalk(t, w)
	k.run("true")
	w.write("project/top/sub/.env", "PASSWORD")
	k.warns("project/top/sub/.env came to match")
	bound := func() {
		t.Helper()
		if got := k.run(`cd ~/project/top; for i in $(seq 1000); do ls sub/x >/dev/null; [ "$(stat -c %d sub/x)" = "$(stat -c %d sub)" ] || { echo bound; break; }; sleep 0.02; done`); got != "bound" {
			t.Fatalf("it is never bound: %q", got)
		}
	}
	is := func(script, want string) {
		t.Helper()
		got := ""
		for range 500 {
			if got = k.run(`cd ~/project/top; ` + script); got == want {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Errorf("%s: %q", script, got)
	}
	bound()
	w.move("project/top/sub", "other/moved")
	w.move("other/sub", "project/top/sub")
	is("cat sub/x/mine", "another")
	bound()
	if err := os.RemoveAll(w.path("project/top/sub")); err != nil {
		t.Fatal(err)
	}
	is("ls", "")
	w.write("project/top/sub", "a file")
	is("cat sub", "a file")
	if err := os.Remove(w.path("project/top/sub")); err != nil {
		t.Fatal(err)
	}
	if got := k.run(`cd ~/project/top; mkdir sub && mkdir sub/x && echo new > sub/x/mine; ls . sub`); got != ".: sub  sub: x" || w.read("project/top/sub/x/mine") != "new\n" {
		t.Errorf("made in the cage: %q", got)
	}
	w.write("project/top/sub/y/mine", "y")
	is("cat sub/x/mine sub/y/mine", "new y")
	k.end()
}

// A folder that somebody outside moves out of the allowed ones stays open to who is in it,
// and the person is told of what comes to match there.
func TestPatternInAFolderThatWasMovedAway(t *testing.T) {
	w := newWorld(t).allow("project")
	w.perms.DeniedPaths = append(w.perms.DeniedPaths, "**/.env")
	w.write("project/deep/er/mine", "mine")
	w.write("project/first/file", "")
	s := stand(t, w, "project/deep/er")
	w.write("project/first/.env", "PASSWORD") // once it is seen, all is watched
	s.warns("project/first/.env came to match")
	w.move("project/deep", "other/deep")
	w.write("other/deep/er/.env", "PASSWORD")
	s.warns("project/deep/er/.env came to match a denied pattern in a folder that was moved away from outside during the run; a program that was in that folder, or below it, can read it until the run ends")
	if got := s.try("read .env"); !strings.Contains(got, "PASSWORD") {
		t.Errorf("too much was told: %q", got)
	}
	if warned := strings.Join(s.process.Report().Warnings, "\n"); strings.Contains(warned, "deep/er/.env came to match a denied pattern during the run; it is refused now") {
		t.Errorf("it is said to be refused: %s", warned)
	}
	s.end()
}
