package sandbox_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// A denied file that someone outside replaces while the cage runs (as editors
// do) stays denied at every moment: a program that waits for it reads nothing.
func TestDeniedReplacedOutside(t *testing.T) {
	w := newWorld(t).allow("project").deny("project/.env", "project/secret")
	k := newTalk(t, w)
	read, stop := k.spin(w.path("project/.env"), w.path("project/secret/key"))
	if read != "" {
		t.Fatalf("before: %q", read)
	}
	for i := range 300 {
		w.write("project/.env.new", "PASSWORD=new")
		if err := os.Rename(w.path("project/.env.new"), w.path("project/.env")); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(w.path("project/secret")); err != nil {
			t.Fatal(err)
		}
		w.write("project/secret/key", "a new key")
		if i%3 == 0 { // another kind of file
			if err := os.Remove(w.path("project/.env")); err != nil {
				t.Fatal(err)
			}
			w.write("project/.env/inside", "PASSWORD=new")
			if err := os.RemoveAll(w.path("project/.env")); err != nil {
				t.Fatal(err)
			}
			w.write("project/.env", "PASSWORD=new")
		}
	}
	if got := stop(); got != "" {
		t.Errorf("during: it read %q", got)
	}
	if got := k.run(`cat ~/project/.env ~/project/secret/key`); strings.Count(got, "Permission denied") != 2 {
		t.Errorf("after: %q", got)
	}
	if res := k.end(); res.status.Code != 0 {
		t.Errorf("%+v", res.status)
	}
}

// spin starts a program that reads files as fast as it can. stop returns what it
// read.
func (k *talk) spin(names ...string) (read string, stop func() string) {
	k.t.Helper()
	script := fmt.Sprintf("(while [ ! -e ~/project/stop ]; do cat '%s' 2>/dev/null; done > /tmp/spun) & cat /tmp/spun 2>/dev/null", strings.Join(names, "' '"))
	return k.say(script + "; echo"), func() string {
		return k.run("touch ~/project/stop; wait; cat /tmp/spun")
	}
}

// The same for a folder above a denied one, and one beside it, which the cage then
// sees as it is.
func TestAncestorReplacedOutside(t *testing.T) {
	w := newWorld(t).allow("project").deny("project/deep/er/hidden")
	w.write("project/deep/er/beside/file", "beside")
	w.write("project/src/file", "source")
	k := newTalk(t, w)
	if got := k.run(`cat ~/project/src/file ~/project/deep/er/beside/file`); got != "sourcebeside" {
		t.Fatalf("before: %q", got)
	}
	_, stop := k.spin(w.path("project/deep/er/hidden/file"))
	for range 50 {
		if err := os.RemoveAll(w.path("project/deep")); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(w.path("project/src")); err != nil {
			t.Fatal(err)
		}
		w.write("project/deep/er/hidden/file", "hidden again")
		w.write("project/deep/er/beside/file", "beside again")
		w.write("project/src/file", "source again")
	}
	if got := stop(); got != "" {
		t.Errorf("during: it read %q", got)
	}
	k.shows(`cat ~/project/deep/er/hidden/file; ls ~/project/deep/er/hidden; cat ~/project/src/file ~/project/deep/er/beside/file`, func(got string) bool {
		return strings.Count(got, "Permission denied") == 2 && strings.Contains(got, "source againbeside again")
	})
	if got := k.run(`echo more > ~/project/src/more; cat ~/project/src/more`); got != "more" || w.read("project/src/more") != "more\n" {
		t.Errorf("after: %q", got)
	}
	if err := os.Rename(w.path("project/src"), w.path("project/deep/er/hidden/src")); err != nil {
		t.Fatal(err)
	}
	k.shows(`cat ~/project/src/file; cat ~/project/deep/er/hidden/src/file`, func(got string) bool {
		return strings.Contains(got, "No such file") && strings.Contains(got, "Permission denied")
	})
	k.end()
}

// shows runs a script until its answer is right: what happens outside reaches a
// folder that is bound natively a moment later.
func (k *talk) shows(script string, right func(string) bool) {
	k.t.Helper()
	got := ""
	for range 3000 { // a minute
		if got = k.run(script); right(got) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	k.t.Errorf("%s: %q", script, got)
}
