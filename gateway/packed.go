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
// stream, of so many events in one frame, half as often.
const (
	packEvery   = time.Second / 30
	streamEvery = time.Second / 15
	manyEvents  = 100
)

// pushPacked streams a subscription to a socket until either ends. An event that comes
// after a rest leaves at once; what comes right after it leaves together.
func (g *Gateway) pushPacked(ctx context.Context, conn *hub.Conn, s *event.Subscription) {
	rest := time.NewTimer(0)
	defer rest.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case e, open := <-s.C():
			if !open {
				return
			}
			frame, events := g.pack(e, s)
			if conn.PushBinary(ctx, frame) != nil {
				return
			}
			switch {
			case len(frame) >= wire.MaxPacked:
				continue // more waits
			case events >= manyEvents:
				rest.Reset(streamEvery)
			default:
				rest.Reset(packEvery)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-rest.C:
		}
	}
}

// pack is a frame of e and of what waits behind it, and how many events that is.
func (g *Gateway) pack(e event.Event, s *event.Subscription) (frame []byte, events int) {
	for open := true; open; events++ {
		var err error
		if frame, err = wire.AppendPacked(frame, &e); err != nil { // it is missing, and the gap in Seq shows it
			g.log.Error("an event cannot be written", slog.String("kind", string(e.Kind)), slog.Any("error", err))
		}
		if len(frame) >= wire.MaxPacked {
			break
		}
		select {
		case e, open = <-s.C():
		default:
			open = false
		}
	}
	return frame, events
}
