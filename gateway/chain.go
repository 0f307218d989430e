package gateway

import (
	"context"
	"time"

	"openclaw/gateway/event"
	"openclaw/gateway/hub"
	"openclaw/gateway/wire"
)

// chainFresh is how long what was found of the audit log's chain stands: to look is to
// read the whole log, and several screens may ask at once.
const chainFresh = 2 * time.Second

// chainLook is the newest look at the audit log's chain.
type chainLook struct {
	turn  chan struct{} // holds one token: only one looks at a time
	found event.AuditChain
}

func newChainLook() chainLook {
	turn := make(chan struct{}, 1)
	turn <- struct{}{}
	return chainLook{turn: turn}
}

// verifyAudit looks at every line of the audit log. It changes nothing and is no act
// that the log records.
func (g *Gateway) verifyAudit(ctx context.Context, _ *hub.Call) (any, error) {
	if g.deps.AuditVerify == nil {
		return nil, wire.Unavailable("this gateway cannot verify its audit log", "openclaw audit verify")
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-g.chain.turn:
	}
	defer func() { g.chain.turn <- struct{}{} }()
	now := g.deps.Now()
	if age := now.Sub(g.chain.found.At); !g.chain.found.At.IsZero() && age >= 0 && age < chainFresh {
		return g.chain.found, nil
	}
	found, err := g.deps.AuditVerify(ctx)
	if err != nil {
		return nil, err
	}
	found.At = now
	g.chain.found = found
	return found, nil
}
