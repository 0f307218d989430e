package supervise

import (
	"encoding/json"
	"errors"
	"testing"

	"openclaw/gateway/wire"
	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// An ask has one verdict, the first: what the gateway pushes before it answers the
// call, or breaks off, is not taken back.
func TestTheFirstVerdictCounts(t *testing.T) {
	for name, second := range map[string]error{"another answer": nil, "a broken connection": errors.New("gone")} {
		t.Run(name, func(t *testing.T) {
			for _, first := range []bool{true, false} {
				d := &desk{}
				a := newTestAsks(t, d)
				d.answer = func(p wire.AskParams) (*wire.AskVerdict, error) {
					push(a, p.Number, first, "ask: denied by you")
					push(a, p.Number, !first, "")
					return &wire.AskVerdict{Number: p.Number, Allow: !first}, second
				}
				if got := <-put(t.Context(), a, read("/a")); got != first {
					t.Errorf("the first was %v, and what counts is %v", first, got)
				}
				a.detach()
			}
		})
	}
}

// A no to run a program covers no read of it, whatever reason came with the no.
func TestANoToRunCoversNoRead(t *testing.T) {
	for _, text := range []string{"ask: denied by you", ""} {
		d := &desk{answer: func(p wire.AskParams) (*wire.AskVerdict, error) {
			return &wire.AskVerdict{Number: p.Number, Reason: text}, nil
		}}
		a := newTestAsks(t, d)
		run := sandbox.Denial{Class: policy.ClassExec, Operation: "execve", Target: "/tool", Rule: "not in allowed_paths", PID: 1 << 30}
		reads := read("/tool")
		reads.PID = run.PID
		if <-put(t.Context(), a, run) || <-put(t.Context(), a, reads) {
			t.Errorf("with the reason %q: it is run or read", text)
		}
		if asked, _ := d.count(); asked != 2 {
			t.Errorf("with the reason %q: asked %d times", text, asked)
		}
		if got := a.explain(run).Rule; got == run.Rule {
			t.Errorf("with the reason %q: the denial does not say that it was asked about", text)
		}
	}
}

// A yes for once is to what the person had been told of. What was asked meanwhile is asked
// about for itself; a no, or an answer that holds for longer, is to that as well.
func TestAYesForOnceIsToWhatWasTold(t *testing.T) {
	for name, c := range map[string]struct {
		verdict wire.AskVerdict
		asked   int // in all
	}{
		"once, one":   {wire.AskVerdict{Allow: true, Seen: 1}, 2},
		"once, both":  {wire.AskVerdict{Allow: true, Seen: 2}, 1},
		"for the run": {wire.AskVerdict{Allow: true}, 1},
		"no":          {wire.AskVerdict{Seen: 1, Reason: "ask: denied by you"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			d := &desk{}
			a := newTestAsks(t, d)
			first := put(t.Context(), a, read("/a"))
			soon(t, "the ask", func() bool { n, _ := d.count(); return n == 1 })
			second := put(t.Context(), a, read("/a"))
			soon(t, "both", func() bool {
				a.mu.Lock()
				defer a.mu.Unlock()
				return len(a.byNumber) == 1 && a.byNumber[1].seen == 2
			})
			c.verdict.Number = 1
			payload, err := json.Marshal(c.verdict)
			if err != nil {
				t.Fatal(err)
			}
			a.answer(payload)
			if got := <-first; got != c.verdict.Allow {
				t.Errorf("the first: %v", got)
			}
			if c.asked == 2 {
				soon(t, "the second ask", func() bool { n, _ := d.count(); return n == 2 })
				push(a, 2, false, "ask: denied by you")
			}
			if got := <-second; got != (c.verdict.Allow && c.asked == 1) {
				t.Errorf("the second: %v", got)
			}
			if asked, _ := d.count(); asked != c.asked {
				t.Errorf("asked %d times", asked)
			}
		})
	}
}

// A yes to one program is none to another that asks for the same at the same time.
func TestAYesToOneProgramIsNoneToAnother(t *testing.T) {
	d := &desk{answer: func(p wire.AskParams) (*wire.AskVerdict, error) { return nil, nil }}
	a := newTestAsks(t, d)
	one, other := read("/a"), read("/a")
	one.Program, other.Program = "/usr/bin/cat", "/tmp/x"
	yes, no := put(t.Context(), a, one), put(t.Context(), a, other)
	soon(t, "both asks", func() bool { n, _ := d.count(); return n == 2 })
	for _, p := range d.asked {
		push(a, p.Number, p.Program == one.Program, "ask: denied by you")
	}
	if !<-yes || <-no {
		t.Error("the answers are exchanged")
	}
}
