package registry

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"openclaw/gateway/event"
)

type world struct {
	*Registry
	mu     sync.Mutex
	clock  time.Time
	events []event.Event
	audits []event.Denial
	broken error
}

func newWorld() *world {
	w := &world{clock: time.Unix(1_700_000_000, 0)}
	w.Registry = New(Options{
		Publish: func(e event.Event) { w.mu.Lock(); w.events = append(w.events, e); w.mu.Unlock() },
		Audit: func(_ context.Context, d event.Denial) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.audits = append(w.audits, d)
			return w.broken
		},
		Agent: func(name string) (event.Agent, bool) { return event.Agent{Name: name}, name != "unknown" },
		Now:   func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.clock },
	})
	return w
}

func (w *world) pass(d time.Duration) { w.mu.Lock(); w.clock = w.clock.Add(d); w.mu.Unlock() }

func (w *world) of(kind event.Kind) []event.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []event.Event
	for _, e := range w.events {
		if e.Kind == kind {
			out = append(out, e)
		}
	}
	return out
}

func TestDenialsMergeAndEveryCountIsExact(t *testing.T) {
	w := newWorld()
	d := event.Denial{Agent: "coder", Operation: "open", Target: "/home/u/.ssh/id", Rule: "built-in: key material", PID: 1}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 500 {
				_ = w.Deny(t.Context(), d)
			}
		})
	}
	group.Wait()
	d.Count, d.Target = 6000, "/etc/shadow"
	_ = w.Deny(t.Context(), d)
	rows := w.Denials("", 0)
	if len(rows) != 2 || rows[0].Count != 4000 || rows[1].Count != 6000 || rows[1].Target != "/etc/shadow" {
		t.Fatalf("%+v", rows)
	}
	if w.DeniedHour() != 10_000 || w.Denied("coder") != 10_000 || len(w.audits) != 4001 {
		t.Fatal(w.DeniedHour(), w.Denied("coder"), len(w.audits))
	}
	if n := len(w.of(event.KindDenial)); n != 2 {
		t.Fatalf("%d denial events within one moment", n)
	}
	w.pass(denialInterval)
	w.Flush()
	shown := w.of(event.KindDenial)
	if last := shown[len(shown)-1].Denial; len(shown) != 3 || last.Count != 4000 || last.ID != rows[0].ID {
		t.Fatalf("the held-back row: %d events, %+v", len(shown), last)
	}
	w.pass(time.Hour)
	if w.DeniedHour() != 0 {
		t.Fatal("an hour later they still count")
	}
}

// What a screen still shows of a gateway that is gone names nothing at the next one,
// where somebody may make a rule of it; and what is let go is found no more.
func TestADenialsIDIsOfOneGateway(t *testing.T) {
	before, after := newWorld(), newWorld()
	_ = before.Deny(t.Context(), event.Denial{Agent: "coder", Target: "/srv/project"})
	_ = after.Deny(t.Context(), event.Denial{Agent: "coder", Target: "evil.example:443"})
	old := before.Denials("", 0)[0]
	if d, found := after.Denial(old.ID); found {
		t.Errorf("%s was %s, and is %s now", old.ID, old.Target, d.Target)
	}
	if d, found := before.Denial(old.ID); !found || d.Target != old.Target {
		t.Errorf("%+v %v", d, found)
	}
	var flood []event.Denial
	for i := range maxDenials {
		flood = append(flood, event.Denial{Agent: "coder", Target: fmt.Sprint("/tmp/", i)})
	}
	for len(flood) > 0 {
		n := min(len(flood), 100)
		_ = before.Deny(t.Context(), flood[:n]...)
		flood = flood[n:]
		before.pass(time.Hour)
	}
	if before.order.Len() != len(before.byID) || before.order.Len() > maxDenials {
		t.Errorf("%d rows, %d ids", before.order.Len(), len(before.byID))
	}
}

func TestDenialIsAuditedBeforeItIsShown(t *testing.T) {
	w := newWorld()
	w.options.Audit = func(context.Context, event.Denial) error {
		if len(w.of(event.KindDenial)) != 0 || len(w.Denials("", 0)) != 0 {
			t.Error("shown before it was written")
		}
		return errors.New("no space left on device")
	}
	_ = w.Deny(t.Context(), event.Denial{Agent: "a", Target: "x"})
	if len(w.of(event.KindDenial)) != 1 || len(w.of(event.KindNotice)) != 1 {
		t.Fatal("a denial that could not be audited is hidden, or nothing says so")
	}
}

func TestRowsAreBoundedAndTheNewestStay(t *testing.T) {
	w := newWorld()
	for i := range maxDenials + 500 {
		w.merge(event.Denial{Agent: "a", Target: fmt.Sprint(i), Count: 1})
		if i == maxDenials-1 {
			w.merge(event.Denial{Agent: "a", Target: "0", Count: 1})
		}
	}
	all := w.Denials("", 1<<30)
	if len(all) != maxDenials || len(w.denials) != maxDenials {
		t.Fatal(len(all), len(w.denials))
	}
	if all[len(all)-501].Target != "0" || all[len(all)-501].Count != 2 {
		t.Fatalf("a row that changed lately was let go: %+v", all[len(all)-501])
	}
	if w.DeniedHour() != maxDenials+501 {
		t.Fatal("counts of rows that went are lost")
	}
	if got := w.Denials("nobody", 0); got == nil || len(got) != 0 {
		t.Fatal("no rows must be an empty list")
	}
}

func TestConnectionsOpenAndClose(t *testing.T) {
	w := newWorld()
	w.Connection(event.Connection{ID: "1", Agent: "coder", Run: "r", Kind: "net", State: "open"})
	w.Connection(event.Connection{ID: "2", Kind: "ws", State: "open"})
	w.Connection(event.Connection{ID: "1", Agent: "coder", Run: "r", Kind: "net", State: "stream", BytesIn: 5})
	if w.Open("") != 2 || w.Open("coder") != 1 {
		t.Fatal(w.Open(""), w.Open("coder"))
	}
	w.StartRun(event.Run{ID: "r", Agent: "coder"})
	_, lived := w.EndRun("r", "exit 0")
	if _, again := w.EndRun("r", "exit 1"); !lived || again {
		t.Fatal("a run ends once")
	}
	if w.Open("coder") != 0 {
		t.Fatal("a connection outlives its cage")
	}
	for i := range maxClosed + 10 {
		w.Connection(event.Connection{ID: fmt.Sprint("x", i), State: "closed"})
	}
	all := w.Connections()
	if len(all) != maxClosed+1 || all[len(all)-1].ID != "2" || all[len(all)-2].ID != fmt.Sprint("x", maxClosed+9) || all[0].ID != "1" || all[1].ID != "x11" {
		t.Fatal(len(all), all[0].ID, all[len(all)-2].ID)
	}
}

func TestAgentEventsAreAtMostOneASecondAndTheLastStateComes(t *testing.T) {
	w := newWorld()
	w.StartRun(event.Run{ID: "r", Agent: "coder"})
	for i := range 50 {
		if !w.UpdateRun("r", func(run *event.Run) { run.PID = i }) {
			t.Fatal("the run is gone")
		}
	}
	if n := len(w.of(event.KindAgent)); n != 1 {
		t.Fatal(n)
	}
	w.Flush()
	w.pass(agentInterval)
	w.Flush()
	w.Flush()
	if n := len(w.of(event.KindAgent)); n != 2 {
		t.Fatal(n)
	}
	w.TouchAgent("unknown")
	if n := len(w.of(event.KindAgent)); n != 2 {
		t.Fatal("an agent that the config does not have was shown")
	}
}

// What happens while an agent is looked at is not lost behind the event of that look: the
// last event tells of the run's end.
func TestTheLastEventOfAnAgentIsOfItsLastState(t *testing.T) {
	w := newWorld()
	looks := 0
	w.options.Agent = func(name string) (event.Agent, bool) {
		row := event.Agent{Name: name, Runs: w.Runs(name)}
		if looks++; looks == 1 {
			w.EndRun("r", "exit 0")
		}
		return row, true
	}
	w.StartRun(event.Run{ID: "r", Agent: "coder"})
	w.pass(agentInterval)
	w.Flush()
	shown := w.of(event.KindAgent)
	if last := shown[len(shown)-1].Agent; len(last.Runs) != 1 || last.Runs[0].Ended.IsZero() {
		t.Errorf("the last of %d events has the run as %+v", len(shown), last.Runs)
	}
}

func TestEndedRunsAreBoundedAndOrdered(t *testing.T) {
	w := newWorld()
	for i := range maxEndedRuns + 5 {
		id := fmt.Sprint(i)
		w.StartRun(event.Run{ID: id, Agent: "a", Started: w.clock.Add(time.Duration(i) * time.Second)})
		w.EndRun(id, "exit 0")
	}
	runs := w.Runs("a")
	if len(runs) != maxEndedRuns || runs[0].ID != "5" || w.Running() != 0 {
		t.Fatal(len(runs), runs[0].ID)
	}
}

// An agent with several runs is one agent that runs.
func TestRunningAgentsAreCountedOnce(t *testing.T) {
	w := newWorld()
	for _, run := range []event.Run{{ID: "1", Agent: "a"}, {ID: "2", Agent: "a"}, {ID: "3", Agent: "b"}} {
		w.StartRun(run)
	}
	if agents, runs := w.RunningAgents(), w.Running(); agents != 2 || runs != 3 {
		t.Errorf("%d agents, %d runs", agents, runs)
	}
	w.EndRun("3", "exit 0")
	if agents := w.RunningAgents(); agents != 1 {
		t.Errorf("%d agents", agents)
	}
}

// Run publishes what is held back, each when it is due, after a time in which nothing was
// too, and in its end what is still held back.
func TestRunPublishesWhatIsHeldBack(t *testing.T) {
	w := newWorld()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	shown := func(kind event.Kind, want int) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); len(w.of(kind)) < want; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d events of %s instead of %d", len(w.of(kind)), kind, want)
			}
		}
	}
	for round := range 3 {
		for range 2 { // the second one is held back
			_ = w.Deny(t.Context(), event.Denial{Target: "/srv/project"}) // no agent's
		}
		w.pass(denialInterval)
		shown(event.KindDenial, 2*round+2)
		w.pass(time.Hour)
		w.StartRun(event.Run{ID: fmt.Sprint(round), Agent: "coder"})
		w.EndRun(fmt.Sprint(round), "exit 0") // its event is held back, for longer than a denial
		time.Sleep(2 * denialInterval)        // Run has looked, and looks on
		w.pass(agentInterval)
		shown(event.KindAgent, 2*round+2)
		w.pass(time.Hour)
	}
	time.Sleep(3 * denialInterval) // in which nothing is shown a second time
	if shown := len(w.of(event.KindAgent)); shown != 6 {
		t.Errorf("%d events of agents instead of 6", shown)
	}
	for i := range 2 {
		w.StartRun(event.Run{ID: fmt.Sprint("last", i), Agent: "coder"})
	}
	w.pass(agentInterval)
	stop()
	err := <-done
	if shown := len(w.of(event.KindAgent)); err != nil || shown != 8 {
		t.Errorf("%v; %d events of agents instead of 8", err, shown)
	}
}
