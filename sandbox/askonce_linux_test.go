package sandbox_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// desk answers what a cage asks about, and keeps it.
type desk struct {
	mu    sync.Mutex
	yes   func(sandbox.Denial) bool
	asked []sandbox.Denial
}

func (d *desk) Ask(_ context.Context, asked sandbox.Denial) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, asked)
	return d.yes(asked), nil
}

// says sets the answers from here on.
func (d *desk) says(yes bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.yes, d.asked = func(sandbox.Denial) bool { return yes }, nil
}

// take returns what was asked about since says.
func (d *desk) take(w *world) (asked []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, one := range d.asked {
		asked = append(asked, one.Operation+" "+strings.TrimPrefix(one.Target, w.home+"/"))
	}
	return asked
}

// talkAtDesk talks to a shell that is asked about what it reads and writes.
func talkAtDesk(t *testing.T) (*world, *desk, *talk) {
	t.Helper()
	w, d := newWorld(t), &desk{}
	d.says(false)
	w.perms.Ask = []policy.Class{policy.ClassPathRead, policy.ClassPathWrite}
	w.write("other/public.txt", "public\n")
	spec := w.spec("sh")
	spec.Asker = d
	return w, d, talkTo(t, spec, start)
}

// A yes is to the process that asked. Another one that does the same a moment later is
// asked for itself, whatever the first one still has open.
func TestAYesIsToTheProcessThatAsked(t *testing.T) {
	for name, step := range map[string]struct{ first, second, asked string }{
		"read":           {"cat ~/other/public.txt", "cat ~/other/public.txt", "open other/public.txt"},
		"read, open":     {"exec 3<~/other/public.txt", "cat ~/other/public.txt", "open other/public.txt"},
		"look, open":     {"exec 3<~/other/public.txt", "stat ~/other/public.txt 3<&-", "stat other/public.txt"},
		"look again":     {"stat ~/other/public.txt", "stat ~/other/public.txt", "stat other/public.txt"},
		"read and look":  {"stat ~/other/public.txt", "cat ~/other/public.txt", "open other/public.txt"},
		"write":          {"exec 3>>~/other/public.txt", "sh -c ': >>~/other/public.txt'", "open other/public.txt"},
		"written, read":  {"exec 3>>~/other/public.txt", "cat ~/other/public.txt", "open other/public.txt"},
		"create":         {": >~/other/new", "rm -f ~/other/new", "stat other/new"},
		"mode":           {"chmod 600 ~/other/public.txt", "chmod 644 ~/other/public.txt", "stat other/public.txt"},
		"list":           {"ls ~/other", "ls ~/other", "stat other"},
		"name in a list": {"cat ~/other/public.txt", "sh -c 'exec 3<~/other/public.txt'", "open other/public.txt"},
	} {
		t.Run(name, func(t *testing.T) {
			w, d, k := talkAtDesk(t)
			d.says(true)
			if got := k.say("{ " + step.first + "; } >/dev/null 2>&1 && echo done || echo refused"); got != "done" || len(d.take(w)) == 0 {
				t.Errorf("the first: %q, asked %q", got, d.take(w))
			}
			d.says(false)
			if got := k.say("( " + step.second + " ) >/dev/null 2>&1 && echo done || echo refused"); got != "refused" {
				t.Errorf("the second: %q", got)
			}
			if asked := d.take(w); len(asked) == 0 || asked[0] != step.asked {
				t.Errorf("the second was asked for %q", asked)
			}
			k.end()
		})
	}
}

// What a shell has opened by a yes, its children use without a further question.
func TestWhatWasOpenedByAYesIsInherited(t *testing.T) {
	w, d, k := talkAtDesk(t)
	d.says(true)
	if got := k.say("exec 3<~/other/public.txt 4>>~/other/made; echo done"); got != "done" {
		t.Fatal(got)
	}
	d.says(false)
	if got := k.say("{ stat -L -c %s /proc/self/fd/3; cat <&3; echo more >&4; stat -L -c %s /proc/self/fd/4; } 2>&1 | tr '\\n' ' '; echo"); got != "7 public 5" {
		t.Errorf("%q", got)
	}
	if asked := d.take(w); asked != nil {
		t.Errorf("asked for %q", asked)
	}
	// Whoever only names the file has not opened it.
	if got := k.say(`3<&- perl -e 'use Fcntl; sysopen(F, "$ENV{HOME}/other/public.txt", 010000000); print((stat F) ? "seen\n" : "refused\n")'`); got != "refused" {
		t.Errorf("by its name alone: %q", got)
	}
	k.end()
}

// Two processes that ask for the same at once are asked for each, and each has its own
// answer.
func TestTwoThatAskAtOnceAreAskedForEach(t *testing.T) {
	w := newWorld(t)
	w.perms.Ask = []policy.Class{policy.ClassPathRead}
	w.write("other/public.txt", "public\n")
	spec := w.spec("sh", "-c", "cat ~/other/public.txt & cat ~/other/public.txt & wait")
	var mu sync.Mutex
	var pids []int
	both := make(chan struct{})
	spec.Asker = askerUntil(func(ctx context.Context, asked sandbox.Denial) (bool, error) {
		mu.Lock()
		pids = append(pids, asked.PID)
		if len(pids) == 2 {
			close(both)
		}
		mine := len(pids)
		mu.Unlock()
		select {
		case <-both:
		case <-ctx.Done():
		}
		return mine == 1, ctx.Err()
	})
	_, wait := start(t, spec)
	res := wait()
	if len(pids) != 2 || pids[0] == pids[1] || pids[0] == 0 || res.out != "public\n" || len(res.denials) != 1 || res.denials[0].PID != pids[1] {
		t.Errorf("asked for %v, out %q, denials %+v", pids, res.out, res.denials)
	}
}

// Whoever answers sees the program that the process is by then, and not the one that it
// was when it was refused the same.
func TestAQuestionNamesTheProgramOfNow(t *testing.T) {
	w := newWorld(t)
	w.perms.Ask = []policy.Class{policy.ClassPathRead}
	d := &desk{}
	d.says(false)
	spec := w.spec("bash", "-c", `read x <~/other/notes.txt; exec cat ~/other/notes.txt`)
	spec.Asker = d
	_, wait := start(t, spec)
	wait()
	var programs []string
	for _, one := range d.asked {
		programs = append(programs, one.Program[strings.LastIndexByte(one.Program, '/')+1:])
	}
	if !slices.Equal(programs, []string{"bash", "cat"}) {
		t.Errorf("%q", programs)
	}
}

// What a yes would still cover is over at once when it is taken back, or when another
// policy comes: also for the process that it was given to.
func TestAYesThatIsTakenBackCoversNoFurtherCall(t *testing.T) {
	for name, back := range map[string]func(*world, *sandbox.Process) error{
		"undo": func(_ *world, p *sandbox.Process) error { p.TakeBack(); return nil },
		"policy": func(w *world, p *sandbox.Process) error {
			_, err := p.Update(w.policy())
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, d, k := talkAtDesk(t)
			d.says(true)
			if got := k.say("exec 3<~/other/public.txt; echo done"); got != "done" { // by the shell itself
				t.Fatal(got)
			}
			if err := back(w, k.process); err != nil {
				t.Fatal(err)
			}
			d.says(false)
			if got := k.say("{ read x <~/other/public.txt; } 2>/dev/null && echo done || echo refused"); got != "refused" || len(d.take(w)) != 1 {
				t.Errorf("%q, asked for %q", got, d.take(w))
			}
			if got := k.say("read x <&3; echo $x"); got != "public" {
				t.Errorf("what was open: %q", got)
			}
			k.end()
		})
	}
}
