package client

import (
	"context"

	"openclaw/gateway/event"
	"openclaw/gateway/wire"
)

// Disconnect closes a connection, by its id: a client's socket, a model call, or one out
// of a cage.
func (b *Backend) Disconnect(ctx context.Context, id string) error {
	return b.call(ctx, wire.MethodDisconnect, wire.DisconnectParams{ID: id}, nil)
}

// Ban shuts an address out for a time such as "1h"; empty: until it is lifted.
func (b *Backend) Ban(ctx context.Context, network, during string) error {
	return b.call(ctx, wire.MethodBanAdd, wire.BanAddParams{Network: network, For: during, Reason: "from the screen"}, nil)
}

// RestartRun has a run end as StopRun does, and its command started again in the
// same place.
func (b *Backend) RestartRun(ctx context.Context, run string) error {
	return b.call(ctx, wire.MethodRunStop, wire.RunStopParams{Run: run, Restart: true}, nil)
}

// RunOutput is what a run without a terminal said since cursor, at most lines of
// it; 0: its newest lines.
func (b *Backend) RunOutput(ctx context.Context, run string, cursor int64, lines int) (event.Output, error) {
	out, err := ask[wire.RunOutput](ctx, b, wire.MethodRunOutput, wire.RunOutputParams{Run: run, Cursor: cursor, Lines: lines})
	return event.Output{Run: run, Cursor: out.Cursor, Lines: out.Lines, Open: out.Open, Truncated: out.Truncated, Reset: out.Reset}, err
}

// StopRun has a run end: it is asked to, and killed after five seconds; with
// kill at once.
func (b *Backend) StopRun(ctx context.Context, run string, kill bool) error {
	return b.call(ctx, wire.MethodRunStop, wire.RunStopParams{Run: run, Kill: kill}, nil)
}
