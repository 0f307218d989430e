package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/audit"
	"openclaw/gateway/event"
	"openclaw/gateway/wire"
	"openclaw/sandbox/policy"
)

// recording starts a gateway that has a real audit log.
func recording(t *testing.T) (h *house, flush func()) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.log")
	log, err := audit.Open(audit.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	h = build(t, newFolder(t), freePort(t), "", func(d *Deps) {
		d.Audit = func(ctx context.Context, e AuditEntry) error { return log.Record(ctx, audit.Entry(e)) }
		d.AuditLater = func(e AuditEntry, failed func(error)) { log.RecordLater(audit.Entry(e), failed) }
		d.AuditSearch = func(ctx context.Context, params wire.AuditSearchParams) ([]json.RawMessage, bool, error) {
			query := audit.Query{Connection: params.Connection, Event: params.Event, Limit: params.Limit}
			if back, err := time.ParseDuration(params.Since); err == nil {
				query.Since = time.Now().Add(-back)
			}
			return audit.Search(ctx, path, query)
		}
		d.CutCall = func(id string, _ error) bool { return id == "call-1" }
	}).run()
	h.writeConfig("", asksConfig)
	// What is queued is before what is recorded after it.
	return h, func() {
		if err := log.Record(t.Context(), audit.Entry{Event: audit.GatewayStart}); err != nil {
			t.Fatal(err)
		}
	}
}

// told is what happened on a connection: its steps as "kind text ×count", then what is on
// record as "event action result".
func told(t *testing.T, trail *event.ConnectionTrail) (steps, records []string) {
	t.Helper()
	for _, s := range trail.Steps {
		steps = append(steps, strings.TrimSpace(fmt.Sprintf("%s %s ×%d", s.Kind, s.Text, s.Count)))
	}
	for _, raw := range trail.Records {
		var e struct {
			Event, Action, Result string
			Type                  string `json:"event_type"`
		}
		if err := json.Unmarshal(raw, &e); err != nil {
			t.Fatal(err)
		}
		records = append(records, e.Type+" "+e.Action+" "+e.Result)
	}
	return steps, records
}

// All that happened on a connection is found by its id, whoever carried it, and nothing of
// another one's: live and from the audit log.
func TestWhatHappenedOnOneConnection(t *testing.T) {
	h, flush := recording(t)
	supervisor, screen, other := h.local(), h.local(), h.local()
	show := func(id string) (steps, records []string) {
		t.Helper()
		flush()
		var trail event.ConnectionTrail
		if err := other.Call(t.Context(), wire.MethodConnection, wire.ConnectionParams{ID: id, Records: true}, &trail); err != nil {
			t.Fatal(err)
		}
		return told(t, &trail)
	}
	var overview event.Overview
	for range 3 {
		if err := screen.Call(t.Context(), wire.MethodOverview, nil, &overview); err != nil {
			t.Fatal(err)
		}
	}
	id := overview.Caller
	_ = refusalOf(t, screen.Call(t.Context(), "no.such.method", nil, nil))
	_ = refusalOf(t, screen.Call(t.Context(), wire.MethodDisconnect, wire.DisconnectParams{ID: id}, nil))

	run := startRun(t, supervisor, "coder")
	net := run.Run + "/7"
	held := askFor(t, supervisor, run.Run, 1, "/srv/asked") // of no connection
	asked := wire.AskParams{Run: run.Run, Number: 2, Class: policy.ClassNet, Operation: "connect", Target: "good.test:443", Rule: "net is asked", Mechanism: "egress", Connection: "7"}
	var row wire.AskHeld
	if err := supervisor.Call(t.Context(), wire.MethodAskAsk, asked, &row); err != nil {
		t.Fatal(err)
	}
	for _, ask := range []string{held.ID, row.ID} {
		if err := screen.Call(t.Context(), wire.MethodAskDecide, wire.AskDecideParams{ID: ask, Allow: true, Scope: "once"}, nil); err != nil {
			t.Fatal(err)
		}
	}
	report := func(c event.Connection, denials ...event.Denial) {
		t.Helper()
		c.ID, c.Route, c.Auth = "7", "good.test:443", "net is asked"
		if err := supervisor.Call(t.Context(), wire.MethodRunReport, wire.RunReportParams{Run: run.Run, Connections: []event.Connection{c}, Denials: denials}, nil); err != nil {
			t.Fatal(err)
		}
	}
	opened := time.Now().Add(-5 * time.Second)
	report(event.Connection{State: "open", Opened: opened, HeldMS: 3200, Detail: "192.0.2.1:443"})
	report(event.Connection{State: "open", Opened: opened, HeldMS: 3200, Detail: "192.0.2.1:443", BytesIn: 9})
	wrong := event.Denial{Class: policy.ClassNet, Operation: "connect", Target: "good.test:443", Rule: "the Host bad.test is not good.test", Mechanism: "egress", Count: 1, Connection: "7"}
	if err := screen.Call(t.Context(), wire.MethodDisconnect, wire.DisconnectParams{ID: net}, nil); err != nil {
		t.Fatal(err)
	}
	report(event.Connection{State: "closed", Opened: opened, Closed: time.Now(), HeldMS: 3200, Detail: "192.0.2.1:443: you closed it"}, wrong)

	call := Call{ID: "call-1", Provider: "gpt", Agent: "coder", Run: run.Run, Method: "POST", Path: "/v1/responses", Started: opened}
	h.CallStarted(call)
	if err := screen.Call(t.Context(), wire.MethodDisconnect, wire.DisconnectParams{ID: "call-1"}, nil); err != nil {
		t.Fatal(err)
	}
	call.FirstByte, call.Error = time.Second, "disconnected by the operator"
	h.CallFinished(call)

	for name, want := range map[string]struct{ steps, records []string }{
		id: {
			[]string{"opened peer credentials ×1", "request openclaw.overview ×3", "refused a method that is not there: unknown method: no.such.method ×1",
				"refused openclaw.clients.disconnect: that is the connection that asks ×1", "request openclaw.asks.decide ×2", "request openclaw.clients.disconnect ×2"},
			[]string{"authentication connect cli success", "approval allow allowed", "approval allow allowed", "authorization disconnect success", "authorization disconnect success"},
		},
		net: {
			[]string{"opened net is asked ×1", "held 3.2s ×1", "cut cli test, " + id + " ×1", "closed 192.0.2.1:443: you closed it ×1"},
			[]string{"approval allow allowed", "authorization connect allowed", "authorization disconnect success", "authorization connect denied", "authorization close failure"},
		},
		"call-1": {
			[]string{"opened agent token ×1", "answer  ×1", "cut cli test, " + id + " ×1", "closed disconnected by the operator ×1"},
			[]string{"authorization disconnect success", "api_call POST failure"},
		},
	} {
		if steps, records := show(name); !slices.Equal(steps, want.steps) || !slices.Equal(records, want.records) {
			t.Errorf("%s:\n got %q\n     %q\nwant %q\n     %q", name, steps, records, want.steps, want.records)
		}
	}

	// One that nobody remembers is found in the audit log; one that never was is not.
	_ = screen.Close()
	until(t, "the screen's end on record", func() bool {
		_, records := show(id)
		return len(records) > 0 && records[len(records)-1] == "authorization close cli success"
	})
	refusal := refusalOf(t, other.Call(t.Context(), wire.MethodConnection, wire.ConnectionParams{ID: "nosuch", Records: true}, nil))
	if refusal.Code != wire.CodeNotFound {
		t.Error(refusal)
	}
}

// Who opens connections by the thousand does not fill the disk: those past a bound are
// counted, and the next record says how many they were.
func TestConnectionsPastABoundAreCounted(t *testing.T) {
	h := start(t, "")
	supervisor := h.local()
	h.writeConfig("", asksConfig)
	run := startRun(t, supervisor, "coder")
	const many = 2000
	rows := make([]event.Connection, many)
	for i := range rows {
		rows[i] = event.Connection{ID: fmt.Sprint(i), Route: "good.test:443", State: "open"}
	}
	if err := supervisor.Call(t.Context(), wire.MethodRunReport, wire.RunReportParams{Run: run.Run, Connections: rows}, nil); err != nil {
		t.Fatal(err)
	}
	recorded := len(h.audited("authorization"))
	if recorded < refusalsAtOnce || recorded > refusalsAtOnce+500 { // some more have room while it takes its time
		t.Errorf("%d records", recorded)
	}
	h.tellRefusals(t.Context())
	counted := recorded
	for _, e := range h.audited("authorization") {
		if others, is := e.Details["others"].(int); is {
			counted += others
		}
	}
	if counted != many {
		t.Errorf("%d connections are on record or counted, of %d", counted, many)
	}
}
