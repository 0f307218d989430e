package supervise

import (
	"testing"

	"openclaw/gateway/event"
	"openclaw/sandbox"
)

// Why a connection ended stands beside its address, and alone where it never had one.
func TestWhyAConnectionEnded(t *testing.T) {
	for _, c := range []struct{ address, problem, want string }{
		{"192.0.2.1:443", "", "192.0.2.1:443"},
		{"192.0.2.1:443", "read: reset", "192.0.2.1:443: read: reset"},
		{"", "look up: no such host", "look up: no such host"},
	} {
		r := newReports("r1")
		r.connected(sandbox.Connection{ID: "1", Address: c.address, Error: c.problem})
		var got event.Connection
		for _, row := range r.connections {
			got = row
		}
		if got.Detail != c.want {
			t.Errorf("%q and %q: %q, want %q", c.address, c.problem, got.Detail, c.want)
		}
	}
}
