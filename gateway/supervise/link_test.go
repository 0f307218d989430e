package supervise

import (
	"context"
	"testing"
	"time"

	"openclaw/gateway/wire"
)

// takingConn is a new gateway that takes a run back.
type takingConn struct{ asked wire.RunResumeParams }

func (c *takingConn) Call(_ context.Context, _ string, params, _ any) error {
	c.asked, _ = params.(wire.RunResumeParams)
	return nil
}

func (c *takingConn) Events() <-chan wire.Event { return nil }
func (c *takingConn) Close() error              { return nil }

// A new gateway is told what the run is and when it began: to a person it goes on.
func TestARunGoesOnUnderANewGateway(t *testing.T) {
	k := newKeeper(t, t.TempDir())
	began := time.Now().Add(-time.Hour)
	conn := &takingConn{}
	l := &link{started: wire.RunStarted{Run: "r1", Token: "oca_x", Command: []string{"sh"}}, began: began, collected: k.collected, keeper: k}
	l.options.Agent, l.options.Dial = "coder", func(context.Context, bool) (Conn, error) { return conn, nil }
	if l.resume(t.Context()) == nil {
		t.Fatal("it was not taken back")
	}
	if p := conn.asked; p.Run != "r1" || p.Agent != "coder" || p.Token != "oca_x" || len(p.Command) != 1 || !p.Started.Equal(began) {
		t.Errorf("the gateway was told %+v", p)
	}
}
