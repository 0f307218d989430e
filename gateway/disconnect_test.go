package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"openclaw/gateway/event"
	"openclaw/gateway/wire"
)

// A connection out of a cage is closed by its own supervisor, which is told the name
// that it knows it by; a call to a provider by the pass-through. Both are on record, and
// what is over is not found.
func TestAConnectionIsClosedWhoeverCarriesIt(t *testing.T) {
	var cut []string
	h := build(t, newFolder(t), freePort(t), "", func(d *Deps) {
		d.CutCall = func(id string, why error) bool {
			cut = append(cut, id+": "+why.Error())
			return id == "call-1"
		}
	}).run()
	h.writeConfig("", asksConfig)
	supervisor, screen := h.local(), h.local()
	run := startRun(t, supervisor, "coder")
	report := func(state string) {
		t.Helper()
		if err := supervisor.Call(t.Context(), wire.MethodRunReport, wire.RunReportParams{Run: run.Run, Connections: []event.Connection{{ID: "7", Route: "good.test:443", State: state}}}, nil); err != nil {
			t.Fatal(err)
		}
	}
	report("open")
	for _, id := range []string{"call-1", "call-2"} {
		h.CallStarted(Call{ID: id, Provider: "gpt", Agent: "coder", Run: run.Run, Method: "POST", Path: "/v1/responses"})
	}
	h.CallFinished(Call{ID: "call-3", Provider: "gpt", Agent: "coder", Method: "POST", Path: "/v1/responses"})
	disconnect := func(id string) error {
		return screen.Call(t.Context(), wire.MethodDisconnect, wire.DisconnectParams{ID: id}, nil)
	}
	if err := errors.Join(disconnect(run.Run+"/7"), disconnect("call-1")); err != nil {
		t.Fatal(err)
	}
	if len(cut) != 1 || cut[0] != "call-1: disconnected by the operator" {
		t.Errorf("cut %q", cut)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for told := false; !told; {
		select {
		case e := <-supervisor.Events():
			if told = e.Event == wire.EventRunCut; !told {
				continue
			}
			var params wire.RunCut
			if err := json.Unmarshal(e.Payload, &params); err != nil || params != (wire.RunCut{Run: run.Run, Connection: "7"}) {
				t.Errorf("pushed %s: %v", e.Payload, err)
			}
		case <-ctx.Done():
			t.Fatal("the supervisor was told nothing")
		}
	}
	entries := slices.DeleteFunc(h.audited("authorization"), func(e AuditEntry) bool { return e.Action != "disconnect" })
	if len(entries) != 2 || entries[0].Action != "disconnect" || entries[0].Target != "good.test:443" || entries[1].Target != "POST /v1/responses → gpt" || entries[1].Details["connection"] != "call-1" {
		t.Errorf("%+v", entries)
	}
	report("closed")
	for _, id := range []string{run.Run + "/7", "call-2", "call-3", "nosuch"} {
		if refusal := refusalOf(t, disconnect(id)); refusal.Code != wire.CodeNotFound {
			t.Errorf("%s: %v", id, refusal)
		}
	}
}
