package main

import (
	"encoding/json"
	"testing"

	"github.com/gorilla/websocket"

	"openclaw/gateway/event"
)

// The list names each client's connection, and `client disconnect` cuts that one and
// no other. It may come back: its token is as good as before.
func TestOneClientIsDisconnected(t *testing.T) {
	t.Parallel()
	p, _, port := exposed(t)
	clients := func() map[string]bool {
		t.Helper()
		said := p.openclaw("client", "list", "--json")
		var list []event.Connection
		if err := json.Unmarshal([]byte(said.out), &list); err != nil {
			t.Fatalf("%v: %+v", err, said)
		}
		ids := map[string]bool{}
		for _, c := range list {
			if c.Kind == "ws" {
				ids[c.ID] = true
			}
		}
		return ids
	}
	stays := admitted(t, port)
	before := clients()
	goes := admitted(t, port)
	for id := range clients() {
		if before[id] {
			continue
		}
		if said := p.openclaw("client", "disconnect", id); said.code != 0 || said.out != "disconnected "+id+"\n" {
			t.Fatalf("%+v", said)
		}
		if _, code, _ := goes.ends(); code != websocket.ClosePolicyViolation {
			t.Errorf("it ends with code %d", code)
		}
		p.eventually("nobody of that name", func() bool { return p.openclaw("client", "disconnect", id).code == exitFailed })
	}
	stays.serves()
	if left := clients(); len(left) != len(before) {
		t.Errorf("%d connections are left of %d", len(left), len(before))
	}
	admitted(t, port).serves()
}
