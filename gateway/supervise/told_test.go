package supervise

import (
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"openclaw/gateway/wire"
	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// signalled notes the signals that a process would get.
type signalled struct {
	got []os.Signal
	cut []string // connections, and why

	back int // how often yeses were taken back
}

func (s *signalled) CutConnection(id, why string) bool {
	s.cut = append(s.cut, id+": "+why)
	return true
}
func (s *signalled) TakeBack()                                   { s.back++ }
func (*signalled) Update(*policy.Policy) (sandbox.Change, error) { return sandbox.Change{}, nil }
func (s *signalled) Signal(sig os.Signal) error                  { s.got = append(s.got, sig); return nil }

// A person closes one connection of this run, by the name that the cage knows it by.
func TestAPersonClosesAConnection(t *testing.T) {
	process := &signalled{}
	l := &link{started: wire.RunStarted{Run: "r1"}, process: process, said: map[string]bool{}}
	for _, params := range []wire.RunCut{{Run: "r1", Connection: "7"}, {Run: "another", Connection: "8"}} {
		payload, err := json.Marshal(params)
		if err != nil {
			t.Fatal(err)
		}
		l.pushed(wire.Event{Event: wire.EventRunCut, Payload: payload})
	}
	if !slices.Equal(process.cut, []string{"7: you closed it"}) || process.got != nil {
		t.Errorf("cut %q, signals %v", process.cut, process.got)
	}
}

// An answer that is undone ends at once what the cage, and the leave to run a program, let
// pass by it.
func TestAnAnswerThatIsUndoneEndsWhatItCovers(t *testing.T) {
	d := &desk{answer: func(p wire.AskParams) (*wire.AskVerdict, error) {
		return &wire.AskVerdict{Number: p.Number, Allow: p.Class == policy.ClassExec}, nil
	}}
	process := &signalled{}
	l := &link{started: wire.RunStarted{Run: "run"}, process: process, asks: newTestAsks(t, d), said: map[string]bool{}}
	l.asks.born = func(pid int) string { return strconv.Itoa(pid) }
	run := sandbox.Denial{Class: policy.ClassExec, Operation: "execve", Target: "/tool", PID: 1 << 30}
	reads := read("/tool")
	reads.PID = run.PID
	if !<-put(t.Context(), l.asks, run) || !<-put(t.Context(), l.asks, reads) || process.back != 0 {
		t.Fatal("it is not run")
	}
	l.pushed(wire.Event{Event: wire.EventAskTakenBack, Payload: json.RawMessage(`{"run":"run"}`)})
	if process.back != 1 || <-put(t.Context(), l.asks, reads) {
		t.Errorf("taken back in the cage %d times, or read all the same", process.back)
	}
}

func TestAPersonEndsARun(t *testing.T) {
	for _, c := range []struct {
		params wire.RunStopParams
		want   []os.Signal
	}{
		{wire.RunStopParams{Run: "r1"}, []os.Signal{syscall.SIGTERM}},
		{wire.RunStopParams{Run: "r1", Kill: true}, []os.Signal{syscall.SIGTERM, syscall.SIGKILL}},
		{wire.RunStopParams{Run: "another"}, nil},
		{wire.RunStopParams{Run: "another", Restart: true}, nil},
	} {
		process := &signalled{}
		l := &link{started: wire.RunStarted{Run: "r1"}, process: process, said: map[string]bool{}}
		payload, err := json.Marshal(c.params)
		if err != nil {
			t.Fatal(err)
		}
		l.pushed(wire.Event{Event: wire.EventRunStop, Payload: payload})
		ended := l.ended(sandbox.ExitStatus{}, nil)
		if !slices.Equal(process.got, c.want) {
			t.Errorf("%+v: signals %v, want %v", c.params, process.got, c.want)
		}
		if c.want != nil && ended != "stopped: you ended it" {
			t.Errorf("ended as %q", ended)
		}
	}
}

// A run that is to be started again ends as one that is stopped; who stops it
// while it ends has the last word.
func TestAPersonStartsARunAgain(t *testing.T) {
	process := &signalled{}
	l := &link{started: wire.RunStarted{Run: "r1"}, process: process, said: map[string]bool{}}
	tell := func(params wire.RunStopParams) {
		payload, err := json.Marshal(params)
		if err != nil {
			t.Fatal(err)
		}
		l.pushed(wire.Event{Event: wire.EventRunStop, Payload: payload})
	}
	tell(wire.RunStopParams{Run: "r1", Restart: true})
	if !l.again.Load() || !slices.Equal(process.got, []os.Signal{syscall.SIGTERM}) {
		t.Errorf("again %v, signals %v", l.again.Load(), process.got)
	}
	tell(wire.RunStopParams{Run: "r1", Kill: true})
	if l.again.Load() {
		t.Error("a run that was killed starts again")
	}
}
