package main

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"openclaw/gateway/event"
	"openclaw/gateway/wire"
)

// What happened on one connection out of a real cage is read in the plain mode by its id,
// and found in the audit log by the same id, from its beginning to who closed it; nothing
// that happened on another one is among it.
func TestTheEventsOfOneConnectionOutOfACage(t *testing.T) {
	t.Parallel()
	requireCage(t)
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { // it reads, and says nothing
				defer func() { _ = conn.Close() }()
				for one := make([]byte, 4096); err == nil; {
					_, err = conn.Read(one)
				}
			}()
		}
	}()
	p := newPerson(t)
	p.configure("agents:\n  coder:\n    permissions:\n      network: {allowed_ips: [\"" + listener.Addr().String() + "\"]}\n")
	p.gateway()
	c := p.cage("coder")
	c.tell(fmt.Sprintf("for i in 1 2; do curl -s --noproxy '*' -m 300 http://%s/ & done; wait", listener.Addr()))
	var ids []string
	p.eventually("both connections", func() bool {
		var list wire.ConnectionsResult
		p.ask(wire.MethodConnections, nil, &list)
		ids = nil
		for _, row := range list.Connections {
			if row.Kind == event.ConnectionNet && row.State == "open" {
				ids = append(ids, row.ID)
			}
		}
		return len(ids) == 2
	})
	p.says("client", "disconnect", ids[0])
	p.eventually("its end on record", func() bool {
		return strings.Contains(p.says("audit", "search", "--connection", ids[0]), `"action":"close"`)
	})
	plain := p.given("events "+ids[0]+"\nquit\n", "tui", "--plain")
	for _, want := range []string{"opened, by allowed_ips", "cut, by cli ", "closed, " + listener.Addr().String() + ": you closed it", "on record, authorization, coder, allowed. connect " + listener.Addr().String(), "on record, authorization, operator, success. disconnect"} {
		if !strings.Contains(plain.out, want) {
			t.Errorf("no %q in\n%s%s", want, plain.out, plain.errors)
		}
	}
	if said := p.says("audit", "search", "--event", "authentication"); !strings.Contains(said, "connect openclaw-tui") {
		t.Errorf("the screen is on record as something else:\n%s", said)
	}
	if strings.Contains(plain.out, ids[1]) {
		t.Errorf("the other one is among it:\n%s", plain.out)
	}
	for line := range strings.Lines(p.says("audit", "search", "--connection", ids[1])) {
		if !strings.Contains(line, `"action":"connect"`) || !strings.Contains(line, ids[1]) {
			t.Errorf("of the one that goes on: %s", line)
		}
	}
}
