package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"openclaw/gateway/audit"
	"openclaw/gateway/wire"
)

// How an agent's last run ended is listed by the gateway after the one that saw it; of an
// agent that runs again, what is known of that run.
func TestTheLastRunIsListedAfterARestart(t *testing.T) {
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
			d.Audit = func(ctx context.Context, e AuditEntry) error { return log.Record(ctx, audit.Entry(e)) }
			d.AuditSearch = func(ctx context.Context, p wire.AuditSearchParams) ([]json.RawMessage, bool, error) {
				back, err := time.ParseDuration(p.Since)
				if err != nil {
					return nil, false, err
				}
				return audit.Search(ctx, path, audit.Query{Event: p.Event, Since: time.Now().Add(-back)})
			}
		}).run()
		h.writeConfig("", asksConfig)
		return h
	}
	h := open()
	supervisor := h.local()
	for _, exit := range []string{"exit 1", "exit 3"} {
		run := startRun(t, supervisor, "coder")
		if err := supervisor.Call(t.Context(), wire.MethodRunEnd, wire.RunEndParams{Run: run.Run, Exit: exit}, nil); err != nil {
			t.Fatal(err)
		}
	}
	before := h.registry.Runs("coder")
	if err := errors.Join(h.stop(), log.Close()); err != nil {
		t.Fatal(err)
	}
	h = open()
	t.Cleanup(func() { _ = log.Close() })
	after := h.registry.Runs("coder")
	for end := time.Now().Add(time.Minute); len(after) == 0 && time.Now().Before(end); time.Sleep(time.Millisecond) {
		after = h.registry.Runs("coder")
	}
	if len(before) != 2 || len(after) != 1 || !reflect.DeepEqual(after[0].Command, before[1].Command[:1]) || after[0].Untold != len(before[1].Command)-1 || after[0].Folder != "/src" ||
		after[0].Started.Sub(before[1].Started).Abs() > time.Second || !after[0].Started.Before(after[0].Ended) || after[0].ID != before[1].ID || after[0].Exit != "exit 3" || after[0].Ended.Sub(before[1].Ended).Abs() > time.Minute {
		t.Fatalf("before %+v\nafter %+v", before, after)
	}
	var list wire.AgentsResult
	if err := h.local().Call(t.Context(), wire.MethodAgents, nil, &list); err != nil {
		t.Fatal(err)
	}
	for _, a := range list.Agents {
		if (a.Name == "coder") != (len(a.Runs) == 1) || a.State != "stopped" {
			t.Errorf("%+v", a)
		}
	}
	again := startRun(t, h.local(), "coder")
	h.registry.RecallRun(after[0])
	if runs := h.registry.Runs("coder"); len(runs) != 2 || runs[1].ID != again.Run {
		t.Errorf("%+v", runs)
	}
}
