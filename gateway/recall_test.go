package gateway

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"openclaw/gateway/audit"
	"openclaw/gateway/event"
	"openclaw/gateway/wire"
	"openclaw/sandbox/policy"
)

// What was refused, or not answered in time, under one gateway is listed by the next: seen,
// counted in its hour, and a rule may be made of it, unless a secret was taken out of its
// name. Answers and what others did are no refusals.
func TestWhatWasRefusedIsListedAfterARestart(t *testing.T) {
	layout, port := newFolder(t), freePort(t)
	path := filepath.Join(t.TempDir(), "audit.log")
	var log *audit.Recorder
	open := func() *house {
		var err error
		log, err = audit.Open(audit.Options{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		h := build(t, layout, port, "", func(d *Deps) {
			d.Masker = wordMasker{}
			d.Audit = func(ctx context.Context, e AuditEntry) error { return log.Record(ctx, audit.Entry(e)) }
			d.AuditRefused = func(ctx context.Context, since time.Time, each func([]byte) bool) (bool, error) {
				return audit.Refused(ctx, path, since, each)
			}
		}).run()
		h.writeConfig("", asksConfig)
		return h
	}
	h := open()
	supervisor := h.local()
	run := startRun(t, supervisor, "coder")
	file := event.Denial{PID: 7, Program: "/usr/bin/cat", CommandLine: "cat x", Class: policy.ClassPathWrite, Operation: "create", Target: "/srv/out/x", Rule: "ask: no answer in 1m0s", Mechanism: "gate", Count: 2, Origin: policy.Origin{File: "config.yaml", Line: 9, Key: "agents.coder"}}
	masked, host, program := file, file, file
	masked.Target = "/srv/overloaded/x"
	host.Class, host.Operation, host.Target = policy.ClassNet, "connect", "example.test:443"
	program.Class, program.Operation, program.Target = policy.ClassExec, "exec", "/usr/bin/sudo"
	for _, rows := range [][]event.Denial{{file, masked, host, program}, {file}} {
		if err := supervisor.Call(t.Context(), wire.MethodRunReport, wire.RunReportParams{Run: run.Run, Denials: rows}, nil); err != nil {
			t.Fatal(err)
		}
	}
	held := askFor(t, supervisor, run.Run, 1, "/srv/asked")
	if err := h.local().Call(t.Context(), wire.MethodAskDecide, wire.AskDecideParams{ID: held.ID}, nil); err != nil {
		t.Fatal(err)
	}
	before, hour := h.registry.Denials("", 0), h.registry.DeniedHour()
	if err := errors.Join(h.stop(), log.Close()); err != nil {
		t.Fatal(err)
	}

	h = open()
	t.Cleanup(func() { _ = log.Close() })
	after := h.registry.Denials("", 0)
	if len(before) != 4 || len(after) != 4 || hour != 10 || h.registry.DeniedHour() != hour || h.registry.Denied("coder") != 0 {
		t.Fatalf("%d and %d of the hour, before %+v\nafter %+v", hour, h.registry.DeniedHour(), before, after)
	}
	ids, known := map[string]string{}, map[string]event.Denial{}
	for _, d := range before { // those of one report go on record at the same time, in any order
		known[d.Target] = d
	}
	for _, d := range after {
		was := known[d.Target]
		ids[d.Target] = d.ID
		if d.Last.Sub(was.Last).Abs() > time.Minute || d.ID == was.ID {
			t.Errorf("%s at %v, and was %s at %v", d.ID, d.Last, was.ID, was.Last)
		}
		d.ID, d.First, d.Last, was.Row = was.ID, was.First, was.Last, 0
		if d != was {
			t.Errorf("%+v\nwas %+v", d, was)
		}
	}
	person := h.local()
	for target, may := range map[string]bool{file.Target: true, "/srv/••••/x": false} {
		var decided wire.AskDecided
		err := person.Call(t.Context(), wire.MethodAskDecide, wire.AskDecideParams{ID: event.PastID(ids[target]), Allow: true, Scope: "always", Match: "exact"}, &decided)
		if (err == nil && decided.Resolved) != may {
			t.Errorf("%s: %+v %v", target, decided, err)
		}
	}
}
