package gateway

import (
	"context"
	"log/slog"
	"time"

	"openclaw/gateway/event"
	"openclaw/gateway/hub"
	"openclaw/gateway/wire"
)

// The time between two frames of packed events: no screen draws more often, and a
// stream, of so many events in one frame, half as often. What a person is asked does not
// wait that long: after lookEvery at most it is seen among what waits, and leaves.
const (
	packEvery   = time.Second / 30
	streamEvery = time.Second / 15
	lookEvery   = 8 * time.Millisecond
	manyEvents  = 100
)

// pushPacked streams a subscription to a socket until either ends. An event that comes
// after a rest leaves at once; what comes right after it leaves together.
func (g *Gateway) pushPacked(ctx context.Context, conn *hub.Conn, s *event.Subscription) {
	look := time.NewTimer(0)
	defer look.Stop()
	var due time.Time
	var lost uint64 // events of this subscription, as far as the watcher can know
	for open := true; open; {
		var p packed
		select {
		case <-ctx.Done():
			return
		case e, more := <-s.C():
			if !more {
				return
			}
			g.pack(&p, e)
		}
		for open = g.packMore(&p, s); open && !p.leaves(due); open = g.packMore(&p, s) {
			look.Reset(min(lookEvery, time.Until(due)))
			select {
			case <-ctx.Done():
				return
			case <-look.C:
			}
		}
		lost = g.packLoss(&p, s, lost)
		if conn.PushBinary(ctx, p.frame) != nil {
			return
		}
		due = time.Now().Add(packEvery)
		if p.events >= manyEvents {
			due = time.Now().Add(streamEvery)
		}
	}
}

// packed is a frame that is being made.
type packed struct {
	frame  []byte
	events int
	last   uint64 // the number of its last event
	asks   bool
}

// leaves reports whether the frame is sent now: because it is full, or asks a person, or
// is due.
func (p *packed) leaves(due time.Time) bool {
	return len(p.frame) >= wire.MaxPacked || p.asks || !time.Now().Before(due)
}

func (g *Gateway) pack(p *packed, e event.Event) {
	frame, err := wire.AppendPacked(p.frame, &e)
	if err != nil { // it is missing, and the gap in Seq shows it
		g.log.Error("an event cannot be written", slog.String("kind", string(e.Kind)), slog.Any("error", err))
	}
	p.frame, p.events, p.last, p.asks = frame, p.events+1, e.Seq, p.asks || e.Ask != nil || e.Clock != nil
}

// packMore packs what waits, and reports whether more may come.
func (g *Gateway) packMore(p *packed, s *event.Subscription) (open bool) {
	for len(p.frame) < wire.MaxPacked {
		select {
		case e, more := <-s.C():
			if !more {
				return false
			}
			g.pack(p, e)
		default:
			return true
		}
	}
	return true
}

// packLoss has the watcher know what was lost, also where nothing came after it whose
// number would show that; known and now is how much it knows of.
func (g *Gateway) packLoss(p *packed, s *event.Subscription, known uint64) (now uint64) {
	now = s.Dropped()
	if now == known {
		return known
	}
	last := g.deps.Bus.Seq() // read first: up to here all has come by the time that nothing waits
	if g.packMore(p, s); len(s.C()) > 0 {
		return known // the next frame
	}
	if p.last < last {
		g.pack(p, event.Event{Seq: last, Time: g.deps.Now(), Kind: event.KindGap})
	}
	return now
}
