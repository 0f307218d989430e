package supervise

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"openclaw/gateway/wire"
	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// changing is a process whose policy changes.
type changing struct {
	signalled
	change  sandbox.Change
	err     error
	updates int
}

func (*changing) TakeBack() {}

func (c *changing) Update(*policy.Policy) (sandbox.Change, error) {
	c.updates++
	return c.change, c.err
}

// on_narrow says what becomes of a run that keeps what the new policy forbids; a
// policy that could not be applied at all counts as one. A policy of another run, or
// none, changes nothing.
func TestOnNarrow(t *testing.T) {
	open := sandbox.Change{StillOpen: []string{"/p: refused; still writable in this run"}}
	for name, c := range map[string]struct {
		run       string
		onNarrow  policy.OnNarrow
		none      bool
		change    sandbox.Change
		err       error
		updates   int
		want      []os.Signal
		sentences string
	}{
		"stop, nothing is open":     {run: "r1", onNarrow: policy.NarrowStop, updates: 1},
		"stop, something is open":   {run: "r1", onNarrow: policy.NarrowStop, change: open, updates: 1, want: []os.Signal{syscall.SIGTERM}, sentences: "the run was ended: on_narrow: stop"},
		"stop, not applied":         {run: "r1", onNarrow: policy.NarrowStop, err: errors.New("no"), updates: 1, want: []os.Signal{syscall.SIGTERM}, sentences: "could not be applied: no"},
		"flag, something is open":   {run: "r1", onNarrow: policy.NarrowFlag, change: open, updates: 1, sentences: "still writable"},
		"flag, not applied":         {run: "r1", onNarrow: policy.NarrowFlag, err: errors.New("no"), updates: 1, sentences: "could not be applied: no"},
		"unsaid, something is open": {run: "r1", change: open, updates: 1, sentences: "on_narrow: flag"},
		"another run's":             {run: "r2", onNarrow: policy.NarrowStop, change: open},
		"no policy":                 {run: "r1", none: true, change: open},
	} {
		t.Run(name, func(t *testing.T) {
			process := &changing{change: c.change, err: c.err}
			l := &link{started: wire.RunStarted{Run: "r1"}, process: process, said: map[string]bool{}, collected: newReports("r1")}
			pushed := wire.RunPolicy{Run: c.run, Policy: &policy.Policy{OnNarrow: c.onNarrow}}
			if c.none {
				pushed.Policy = nil
			}
			payload, err := json.Marshal(pushed)
			if err != nil {
				t.Fatal(err)
			}
			l.pushed(wire.Event{Event: wire.EventPolicy, Payload: payload})
			l.ended(sandbox.ExitStatus{}, nil)
			said := strings.Join(l.sentences, "; ")
			if process.updates != c.updates || !slices.Equal(process.got, c.want) || !strings.Contains(said, c.sentences) || c.sentences == "" && said != "" {
				t.Errorf("%d updates, signals %v, said %q", process.updates, process.got, said)
			}
		})
	}
}
