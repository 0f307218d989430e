package supervise

import (
	"context"
	"errors"

	"openclaw/gateway/learn"
	"openclaw/gateway/wire"
	"openclaw/sandbox"
)

func learns(recorder *learn.Recorder) *wire.Learn {
	if recorder == nil {
		return nil
	}
	return &wire.Learn{Network: recorder.Network}
}

// learner is who answers a cage's questions and what becomes of its refusals:
// the person by way of asks, or the recorder of a run that learns.
func learner(a *asks, recorder *learn.Recorder) (asker sandbox.Asker, denied func(sandbox.Denial) sandbox.Denial, stop func()) {
	if recorder == nil {
		return a, a.explain, func() {}
	}
	recorder.Commit(a.learned)
	return learning{a, recorder}, func(d sandbox.Denial) sandbox.Denial {
		d = a.explain(d)
		recorder.Denied(d)
		return d
	}, recorder.Close
}

// learned puts accesses on record at the gateway.
func (a *asks) learned(_ context.Context, accesses []wire.Access) error {
	a.mu.Lock()
	conn := a.conn
	a.mu.Unlock()
	if conn == nil {
		return errors.New(reasonUnlearned)
	}
	return conn.Call(a.life, wire.MethodRunLearned, wire.LearnedParams{Run: a.run, Accesses: accesses}, nil)
}

const reasonUnlearned = "learn: it could not be recorded, the gateway is away"

// learning answers with yes what is on record.
type learning struct {
	asks     *asks
	recorder *learn.Recorder
}

// Ask implements sandbox.Asker.
func (l learning) Ask(ctx context.Context, d sandbox.Denial) (bool, error) {
	allow, err := l.recorder.Ask(ctx, d)
	if !allow {
		text := reasonUnlearned
		if refused, ok := errors.AsType[*wire.Error](err); ok {
			text = "learn: refused by the gateway: " + refused.Message
		} else if errors.Is(err, learn.ErrTooMany) {
			text = err.Error()
		}
		l.asks.mu.Lock()
		l.asks.remember(subject{d.PID, d.Class, d.Target}, d.Rule, text)
		l.asks.mu.Unlock()
	}
	return allow, err
}
