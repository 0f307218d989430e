package client

import (
	"context"

	"openclaw/gateway/event"
	"openclaw/gateway/wire"
)

// Asks are the requests that wait for an answer, and then the newest ended ones,
// each oldest first.
func (b *Backend) Asks(ctx context.Context) ([]event.Ask, error) {
	var out wire.AsksResult
	err := b.call(ctx, wire.MethodAsks, wire.AsksParams{}, &out)
	return out.Asks, err
}

// Decide answers an ask. resolved is false when somebody else answered first; the
// row says who.
func (b *Backend) Decide(ctx context.Context, answer wire.AskDecideParams) (row event.Ask, resolved bool, err error) {
	out, err := ask[wire.AskDecided](ctx, b, wire.MethodAskDecide, answer)
	return out.Ask, out.Resolved, err
}

// Undo takes back what an answer allowed; an empty id is the newest one.
func (b *Backend) Undo(ctx context.Context, id string) (event.Ask, error) {
	return ask[event.Ask](ctx, b, wire.MethodAskUndo, wire.AskUndoParams{ID: id})
}
