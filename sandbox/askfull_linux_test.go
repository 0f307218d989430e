package sandbox_test

import (
	"strconv"
	"testing"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// A run that has as many calls held as it may is refused the next ones, and each of
// these is told too.
func TestRefusalsOfAFullListener(t *testing.T) {
	const held, more = 1024, 30
	for _, mode := range []string{"full", "reduced"} {
		t.Run(mode, func(t *testing.T) {
			w := newWorld(t).allow("project")
			w.perms.Ask = []policy.Class{policy.ClassExec}
			try := `exec "$ENV{HOME}/other/tool"`
			if mode == "reduced" {
				w.reduced()
				w.perms.Ask = []policy.Class{policy.ClassPathRead}
				try = `open(F, "<", "$ENV{HOME}/other/notes.txt")`
			}
			w.write("other/tool", "#!/bin/true")
			answers := make(chan struct{})
			spec := w.spec("perl", "-e", `$| = 1; $SIG{__WARN__} = sub {}; <STDIN>; for (1 .. $ARGV[0] + $ARGV[1]) { fork or do { `+try+`; exit 0 } }
				for (1 .. $ARGV[1]) { wait } print "refused\n"; 1 until wait < 0; print "over\n"; <STDIN>`, strconv.Itoa(held), strconv.Itoa(more))
			spec.Asker = asker(func(sandbox.Denial) bool {
				<-answers
				return false
			})
			k := talkTo(t, spec, start)
			if got := k.say(""); got != "refused" {
				t.Fatal(got)
			}
			close(answers)
			if got := k.answer(); got != "over" {
				t.Fatal(got)
			}
			told := map[string]int{}
			for _, d := range k.end().denials {
				told[d.Target] += d.Count
				if d.PID == 0 || d.Program == "" {
					t.Errorf("incomplete denial %+v", d)
				}
			}
			unread := told["a call that was not looked at"]
			if sum := unread + told[w.path("other/tool")] + told[w.path("other/notes.txt")]; unread != more || sum != held+more {
				t.Errorf("%d are told, %d of them not looked at: %v", sum, unread, told)
			}
		})
	}
}
