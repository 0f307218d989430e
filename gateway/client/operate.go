package client

import (
	"context"

	"openclaw/gateway/wire"
)

// Disconnect closes a client's socket, by its connection's id.
func (b *Backend) Disconnect(ctx context.Context, id string) error {
	return b.call(ctx, wire.MethodDisconnect, wire.DisconnectParams{ID: id}, nil)
}

// Ban shuts an address out for a time such as "1h"; empty: until it is lifted.
func (b *Backend) Ban(ctx context.Context, network, during string) error {
	return b.call(ctx, wire.MethodBanAdd, wire.BanAddParams{Network: network, For: during, Reason: "from the screen"}, nil)
}

// StopRun has a run end: it is asked to, and killed after five seconds; with
// kill at once.
func (b *Backend) StopRun(ctx context.Context, run string, kill bool) error {
	return b.call(ctx, wire.MethodRunStop, wire.RunStopParams{Run: run, Kill: kill}, nil)
}
