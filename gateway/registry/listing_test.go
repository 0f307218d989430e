package registry

import (
	"fmt"
	"testing"
	"time"

	"openclaw/gateway/event"
)

func flood(agent, rule, prefix string, n int) []event.Denial {
	out := make([]event.Denial, n)
	for i := range out {
		out[i] = event.Denial{Agent: agent, Run: "1", Operation: "open", Target: fmt.Sprint(prefix, i), Rule: rule, Count: 1}
	}
	return out
}

// An agent that asks for ten thousand names a second does not fill the disk
// with records, and none of its attempts is lost from the count.
func TestAFloodIsCountedAndNotListed(t *testing.T) {
	w := newWorld()
	const seconds, each = 60, 10_000
	for range seconds {
		for range 10 {
			_ = w.Deny(t.Context(), flood("coder", "not in allowed_paths", fmt.Sprint(w.Denied("coder"), "/"), each/10)...)
		}
		w.pass(time.Second)
	}
	if n := len(w.audits); n > listedAtOnce+seconds*(listedPerSecond+10) {
		t.Errorf("%d audit records of %d denials", n, seconds*each)
	}
	counted := 0
	for _, d := range w.audits {
		counted += d.Count
	}
	if counted != seconds*each || w.Denied("coder") != seconds*each {
		t.Errorf("%d in the audit log and %d in the count, of %d", counted, w.Denied("coder"), seconds*each)
	}
	rows := 0
	for _, d := range w.Denials("coder", maxDenials) {
		rows += d.Count
	}
	if rows != seconds*each {
		t.Errorf("the rows count %d of %d", rows, seconds*each)
	}
}

// A flood of harmless names is no curtain: what another rule refuses keeps its
// name, and so does what was refused before.
func TestAFloodHidesNothing(t *testing.T) {
	w := newWorld()
	key := event.Denial{Agent: "coder", Operation: "open", Target: "/home/u/.ssh/id", Rule: "built-in: key material"}
	other := event.Denial{Agent: "reviewer", Operation: "open", Target: "/etc/shadow", Rule: "not in allowed_paths"}
	_ = w.Deny(t.Context(), other)
	for i := range 20 {
		_ = w.Deny(t.Context(), flood("coder", "not in allowed_paths", fmt.Sprint(i, "/"), 5_000)...)
	}
	_ = w.Deny(t.Context(), key)
	// As many rules as there are rows: the fullest table that one agent can make.
	for i := range 3 {
		for rule := range 8 {
			_ = w.Deny(t.Context(), flood("coder", fmt.Sprint("rule ", rule, i), "/x/", 900)...)
		}
	}
	found := map[string]bool{}
	for _, d := range w.Denials("", maxDenials) {
		found[d.Agent+" "+d.Target] = true
	}
	if len(w.Denials("", maxDenials)) > maxDenials {
		t.Error("more rows than are kept")
	}
	if !found["reviewer /etc/shadow"] {
		t.Error("another agent's denial was pushed out")
	}
	listed := false
	for _, d := range w.audits {
		listed = listed || d.Target == key.Target
	}
	if !listed {
		t.Error("the flood hid the name of a key file from the audit log")
	}
}

// An agent that opens a thousand connections pushes none of another agent's out.
func TestAFloodOfConnectionsHidesNobodyElses(t *testing.T) {
	w := newWorld()
	w.Connection(event.Connection{ID: "r", Agent: "reviewer", Run: "2", Route: "example.com:443", State: "closed"})
	for i := range 3 * maxClosed {
		w.Connection(event.Connection{ID: fmt.Sprint(i), Agent: "coder", Run: "1", State: "open"})
		w.Connection(event.Connection{ID: fmt.Sprint(i), Agent: "coder", Run: "1", State: "closed"})
	}
	rows := w.Connections()
	if len(rows) != maxClosed || rows[0].ID != "r" || rows[len(rows)-1].ID != fmt.Sprint(3*maxClosed-1) || len(w.closedOf) != 2 {
		t.Fatalf("%d rows, first %q, last %q", len(rows), rows[0].ID, rows[len(rows)-1].ID)
	}
}

// What is recalled comes newest first: the flood of one agent leaves its own oldest out,
// and not what another one was refused before it.
func TestRecallAfterAFlood(t *testing.T) {
	w := newWorld()
	rows := flood("coder", "not in allowed_paths", "/", maxDenials+5)
	now := w.clock
	for i := range rows {
		rows[i].First, rows[i].Last = now.Add(-time.Duration(i)*time.Millisecond), now.Add(-time.Duration(i)*time.Millisecond)
		w.Recall(rows[i])
	}
	if listed := w.Denials("coder", maxDenials); len(listed) != maxDenials || listed[0].Target != "/9999" {
		t.Errorf("%d are listed, the oldest is %s", len(listed), listed[0].Target)
	}
	first := now.Add(-30 * time.Minute)
	quiet := event.Denial{Agent: "reviewer", Operation: "open", Target: "/etc/shadow", Rule: "r", Count: 2, First: first, Last: first}
	w.Recall(quiet)
	quiet.First = first.Add(-time.Minute)
	w.Recall(quiet)
	if got := w.Denials("reviewer", 0); len(got) != 1 || got[0].Count != 4 || !got[0].First.Equal(quiet.First) || !got[0].Last.Equal(first) {
		t.Errorf("the other agent's: %+v", got)
	}
	listed := w.Denials("coder", maxDenials)
	if len(listed) != maxDenials-1 || listed[len(listed)-1].Target != "/0" || listed[0].Target != "/9998" {
		t.Errorf("%d are listed, from %s to %s", len(listed), listed[0].Target, listed[len(listed)-1].Target)
	}
	if got, want := w.DeniedHour(), maxDenials+5+4; got != want {
		t.Errorf("%d in the hour, of %d", got, want)
	}
}
