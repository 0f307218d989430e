package supervise

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"openclaw/gateway/event"
	"openclaw/sandbox"
)

// notices collects what the person at a run's terminal is told; a request is old enough
// for that when the test says so.
type notices struct {
	mu    sync.Mutex
	said  []string
	deaf  bool
	tries int
	old   chan time.Time
	now   time.Time
}

func (n *notices) tell(d sandbox.Denial) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.tries++; n.deaf {
		return false
	}
	n.said = append(n.said, d.Target)
	return true
}

func (n *notices) list() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.said)
}

func (n *notices) tried(times int) func() bool {
	return func() bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		return n.tries == times
	}
}

func noticed(t *testing.T) (*asks, *desk, *notices) {
	t.Helper()
	d, n := &desk{}, &notices{old: make(chan time.Time), now: time.Unix(1000, 0)}
	a := newTestAsks(t, d)
	a.tell, a.after = n.tell, func(limit time.Duration) <-chan time.Time {
		if limit != heldTime {
			t.Errorf("it waits for %v", limit)
		}
		return n.old
	}
	a.now = func() time.Time { n.mu.Lock(); defer n.mu.Unlock(); return n.now }
	return a, d, n
}

// One line stands for all that is held beside it, until that is answered or a while has
// passed.
func TestOneLineStandsForAllThatIsHeld(t *testing.T) {
	a, d, n := noticed(t)
	one := put(t.Context(), a, read("/one"))
	n.old <- n.now
	soon(t, "the line", n.tried(1))
	two := put(t.Context(), a, read("/two"))
	n.old <- n.now // heard, and then
	three := put(t.Context(), a, read("/three"))
	n.mu.Lock()
	n.now = n.now.Add(heldEach)
	n.mu.Unlock()
	n.old <- n.now
	soon(t, "a line after a while", n.tried(2))
	if said := n.list(); len(said) != 2 || said[0] != "/one" {
		t.Errorf("%q", said)
	}
	for _, p := range d.asked {
		push(a, p.Number, true, "")
	}
	if !<-one || !<-two || !<-three {
		t.Error("they are denied")
	}
	four := put(t.Context(), a, read("/four"))
	n.old <- n.now
	soon(t, "a line for what is new", n.tried(3))
	push(a, 4, true, "")
	if !<-four {
		t.Error("it is denied")
	}
}

// What was not heard stands for nothing: the next one is said.
func TestALineThatWasNotShownIsNone(t *testing.T) {
	a, _, n := noticed(t)
	n.deaf = true
	put(t.Context(), a, read("/one"))
	n.old <- n.now
	soon(t, "a try", n.tried(1))
	n.mu.Lock()
	n.deaf = false
	n.mu.Unlock()
	soon(t, "another", func() bool { a.mu.Lock(); defer a.mu.Unlock(); return a.toldFor == nil })
	put(t.Context(), a, read("/two"))
	n.old <- n.now
	soon(t, "the line", n.tried(2))
	if said := n.list(); !slices.Equal(said, []string{"/two"}) {
		t.Errorf("%q", said)
	}
}

// What is answered at once is never said, nor is anything after the run.
func TestWhatIsAnsweredAtOnceIsNotSaid(t *testing.T) {
	a, d, n := noticed(t)
	one, two := put(t.Context(), a, read("/one")), put(t.Context(), a, read("/two"))
	soon(t, "both asks", func() bool { asked, _ := d.count(); return asked == 2 })
	push(a, 1, true, "")
	push(a, 2, false, "ask: denied by you")
	<-one
	<-two
	put(t.Context(), a, read("/three"))
	n.old <- n.now // who waits longest hears it
	soon(t, "a line", n.tried(1))
	if said := n.list(); !slices.Equal(said, []string{"/three"}) {
		t.Errorf("%q", said)
	}
	put(t.Context(), a, read("/four"))
	soon(t, "the fourth", func() bool { asked, _ := d.count(); return asked == 4 })
	a.close() // it would wait for one that is not told that the run is over
}

// A line names the program, the operation and the target, but no number to answer by: the
// run could have written it. Only a person's terminal is told.
func TestTheLineOfWhatIsHeld(t *testing.T) {
	text := heldText(sandbox.Denial{Program: "/usr/bin/cat", Operation: "open", Target: "/home/x/a b"})
	if want := "cat is held: 'open /home/x/a b' waits for your answer, in the screen or by 'openclaw asks' in another terminal; without one it is denied"; text != want {
		t.Error(text)
	}
	if text := heldText(sandbox.Denial{Operation: "connect", Target: "x:1"}); !strings.HasPrefix(text, "a program is held") {
		t.Error(text)
	}
	long := "/home/" + strings.Repeat("ü", heldTarget) + "/end"
	if text := heldText(sandbox.Denial{Operation: "open", Target: long}); utf8.RuneCountInString(text) > heldTarget+160 || !strings.Contains(text, "üü…üü") || !strings.Contains(text, "ü/end' waits") {
		t.Error(text)
	}
	line := func(text string) string { return text }
	for _, o := range []Options{{Terminal: event.OnPipe, Line: line}, {Terminal: event.Kept, Line: line}, {Terminal: event.OnTerminal}} {
		if o.heldLine(nil) != nil {
			t.Errorf("a run on %q is told", o.Terminal)
		}
	}
}
