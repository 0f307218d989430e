package gateway

import (
	"context"

	"openclaw/gateway/hub"
	"openclaw/gateway/wire"
)

// startRecord is the record of a run's start, which a disk takes its time for. A nil
// one is there already. It is safe for concurrent use.
type startRecord struct {
	done chan struct{}
	err  error // once done is closed
}

// recordStart begins to write it. A run whose start is not on record has no token.
func (r *runs) recordStart(ctx context.Context, call *hub.Call, id string, entry AuditEntry) *startRecord {
	s := &startRecord{done: make(chan struct{})}
	ctx = context.WithoutCancel(ctx)
	go func() {
		defer close(s.done)
		if s.err = r.g.auditAct(ctx, call.Conn.Peer.From, entry); s.err != nil {
			r.g.agents.Revoke(id)
		}
	}()
	return s
}

// wait returns nil when the start is on record, and why it is not.
func (s *startRecord) wait(ctx context.Context) error {
	if s == nil {
		return nil
	}
	select {
	case <-s.done:
		return s.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// recorded answers a supervisor that has built its cage meanwhile.
func (r *runs) recorded(ctx context.Context, call *hub.Call) (any, error) {
	var params wire.RunRecordedParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	one, err := r.ownedRun(params.Run, call.Conn)
	if err != nil {
		return nil, err
	}
	if one.start.wait(ctx) != nil {
		return nil, errNotStarted()
	}
	return nil, nil
}

func errNotStarted() error { return notAudited("the run was not started") }
