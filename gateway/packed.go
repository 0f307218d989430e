package gateway

import (
	"context"
	"log/slog"
	"time"

	"openclaw/gateway/event"
	"openclaw/gateway/hub"
	"openclaw/gateway/wire"
)

// packEvery is the time between two frames of packed events: no screen draws more often.
const packEvery = time.Second / 30

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
			frame := g.pack(e, s)
			if conn.PushBinary(ctx, frame) != nil {
				return
			}
			if len(frame) >= wire.MaxPacked {
				continue // more waits
			}
		}
		rest.Reset(packEvery)
		select {
		case <-ctx.Done():
			return
		case <-rest.C:
		}
	}
}

// pack is a frame of e and of what waits behind it.
func (g *Gateway) pack(e event.Event, s *event.Subscription) []byte {
	var frame []byte
	for open := true; open; {
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
	return frame
}
