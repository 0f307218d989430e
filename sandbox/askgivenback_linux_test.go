package sandbox_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// A folder whose mount was given back to the gate, because something in it came to be
// denied, is asked about when a later policy wants that: by its path each file waits for
// its answer, and what is open still to a program inside is said.
func TestAPolicyThatComesToAskOfAFolderThatWasGivenBack(t *testing.T) {
	w := newWorld(t).allow("project")
	w.perms.DeniedPaths = append(w.perms.DeniedPaths, "**/.env")
	w.write("project/sub/notes", "notes\n")
	spec := w.spec("sh")
	var yes atomic.Bool
	var asked atomic.Int64
	spec.Asker = asker(func(d sandbox.Denial) bool { asked.Add(1); return yes.Load() })
	k := talkTo(t, spec, start)
	if got := k.say("cd ~/project/sub; cat notes"); got != "notes" {
		t.Fatal(got)
	}
	w.write("project/sub/.env", "secret\n")
	for got, tries := "", 0; !strings.Contains(got, "refused"); tries++ {
		if got = k.say("cat ~/project/sub/.env >/dev/null 2>&1 && { echo open; sleep 0.05; } || echo refused"); tries > 200 {
			t.Fatal("it is never closed")
		}
	}
	w.perms.AllowedPaths = nil
	w.perms.Ask = []policy.Class{policy.ClassPathRead}
	change, err := k.process.Update(w.policy())
	if err != nil {
		t.Fatal(err)
	}
	if len(change.StillOpen) != 1 || !strings.HasPrefix(change.StillOpen[0], w.path("project")+": ") {
		t.Errorf("a program inside has it still, and that is not said: %+v", change)
	}
	read := "cat ~/project/sub/notes 2>/dev/null || echo refused"
	if got := k.say(read); got != "refused" || asked.Load() != 1 {
		t.Errorf("a no: %q, asked %d times", got, asked.Load())
	}
	yes.Store(true)
	if got := k.say(read); got != "notes" || asked.Load() != 2 {
		t.Errorf("a yes: %q, asked %d times", got, asked.Load())
	}
	if got := k.say("cat ~/project/sub/.env 2>/dev/null || cat .env 2>/dev/null || echo refused"); got != "refused" {
		t.Errorf("the denied file: %q", got)
	}
	k.end()
}
