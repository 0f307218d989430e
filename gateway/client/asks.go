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

// PauseAsk says that a person is at an ask, and returns whether its clock stands still
// for it.
func (b *Backend) PauseAsk(ctx context.Context, id string) (paused bool, err error) {
	out, err := ask[wire.AskPaused](ctx, b, wire.MethodAskPause, wire.AskPauseParams{ID: id})
	return out.Paused, err
}

// AnswerAsk is Decide in plain words.
func (b *Backend) AnswerAsk(ctx context.Context, id string, allow bool, scope, match, note string) (row event.Ask, counts bool, err error) {
	return b.Decide(ctx, wire.AskDecideParams{ID: id, Allow: allow, Scope: scope, Match: match, Note: note})
}

// PreviewAsk says what an allow for always would write; it decides nothing.
func (b *Backend) PreviewAsk(ctx context.Context, id, match string) (event.Ask, error) {
	row, _, err := b.Decide(ctx, wire.AskDecideParams{ID: id, Allow: true, Scope: "always", Match: match, Preview: true})
	return row, err
}
