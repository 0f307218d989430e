package gateway

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"testing"

	"openclaw/gateway/wire"
)

// slowDisk is an audit log whose disk answers a run's start when the test says so.
type slowDisk struct {
	answer chan error

	mu    sync.Mutex
	order []string
}

func (d *slowDisk) deps(deps *Deps) {
	note := func(e AuditEntry) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.order = append(d.order, e.Event)
	}
	deps.Audit = func(ctx context.Context, e AuditEntry) error {
		if e.Event == "run_start" {
			select {
			case err := <-d.answer:
				if err != nil {
					return err
				}
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		note(e)
		return nil
	}
	deps.AuditLater = func(e AuditEntry, _ func(error)) { note(e) }
}

func (d *slowDisk) recorded(event string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Contains(d.order, event)
}

// A supervisor that asks for it has its policy while the disk takes its time, and is told
// when the start is on record. The end of the run never stands before its start.
func TestARunIsPreparedBesideTheDisk(t *testing.T) {
	t.Parallel()
	disk := &slowDisk{answer: make(chan error)}
	h := build(t, newFolder(t), freePort(t), "", disk.deps).run()
	answer := sync.OnceFunc(func() { close(disk.answer) })
	defer answer()
	h.writeConfig("", asksConfig)
	c := h.local()
	early := wire.RunStartParams{Agent: "coder", Command: []string{"true"}, PID: os.Getpid(), Early: true}
	var waits, ends wire.RunStarted
	for _, run := range []*wire.RunStarted{&waits, &ends} {
		if err := c.Call(t.Context(), wire.MethodRunStart, early, run); err != nil || run.Policy == nil || !run.Pending {
			t.Fatal(err)
		}
	}
	recorded, ended := make(chan error, 1), make(chan error, 1)
	go func() {
		recorded <- c.Call(t.Context(), wire.MethodRunRecorded, wire.RunRecordedParams{Run: waits.Run}, nil)
	}()
	go func() {
		ended <- c.Call(t.Context(), wire.MethodRunEnd, wire.RunEndParams{Run: ends.Run, Exit: "refused"}, nil)
	}()
	for range 20 { // whoever waits for nothing is answered before
		if err := c.Call(t.Context(), wire.MethodAgents, struct{}{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case err := <-recorded:
		t.Fatal("it is said to be on record, and is not:", err)
	case err := <-ended:
		t.Fatal("its end is on record, and its start is not:", err)
	default:
	}
	answer()
	for _, done := range []chan error{ended, recorded} {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	disk.mu.Lock()
	defer disk.mu.Unlock()
	if start, end := slices.Index(disk.order, "run_start"), slices.Index(disk.order, "run_end"); start < 0 || end < start {
		t.Errorf("on record: %q", disk.order)
	}
}

// A run whose start cannot be recorded does not begin: its supervisor is told so, its
// token is dead, and nothing says that it ended.
func TestARunThatIsNotOnRecordDoesNotBegin(t *testing.T) {
	t.Parallel()
	disk := &slowDisk{answer: make(chan error, 1)}
	h := build(t, newFolder(t), freePort(t), "", disk.deps).run()
	h.writeConfig("", asksConfig)
	c := h.local()
	disk.answer <- errors.New("disk full")
	var run wire.RunStarted
	early := wire.RunStartParams{Agent: "coder", Command: []string{"true"}, PID: os.Getpid(), Early: true}
	if err := c.Call(t.Context(), wire.MethodRunStart, early, &run); err != nil {
		t.Fatal(err)
	}
	refusal := refusalOf(t, c.Call(t.Context(), wire.MethodRunRecorded, wire.RunRecordedParams{Run: run.Run}, nil))
	if refusal.Code != wire.CodeUnavailable || refusal.Hint() == "" {
		t.Error(refusal)
	}
	if _, alive := h.agents.Lookup(run.Token); alive {
		t.Error("its token is alive")
	}
	if err := c.Call(t.Context(), wire.MethodRunEnd, wire.RunEndParams{Run: run.Run, Exit: "refused"}, nil); err != nil {
		t.Error(err)
	}
	if disk.recorded("run_end") {
		t.Error("a run that never began is said to have ended")
	}
	other := refusalOf(t, h.local().Call(t.Context(), wire.MethodRunRecorded, wire.RunRecordedParams{Run: "none"}, nil))
	if other.Code != wire.CodeNotFound {
		t.Error("of no run:", other)
	}
}
