package supervise

import (
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
