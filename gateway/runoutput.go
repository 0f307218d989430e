package gateway

import (
	"context"

	"openclaw/configs"
	"openclaw/gateway/hub"
	"openclaw/gateway/logs"
	"openclaw/gateway/wire"
)

// output shows what a run without a terminal said: its supervisor has written it
// to a file of its own, redacted.
func (r *runs) output(_ context.Context, call *hub.Call) (any, error) {
	var params wire.RunOutputParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	if len(params.Run) > 64 || !configs.ValidName(params.Run) || params.Cursor < 0 || params.Lines < 0 {
		return nil, wire.Invalid("invalid " + wire.MethodRunOutput + " params")
	}
	chunk, err := logs.TailFrom(r.g.deps.Layout.Output(params.Run), params.Cursor, params.Lines, 0)
	if err != nil {
		return nil, wire.Unavailable("the output of run "+params.Run+" cannot be read: "+r.g.deps.Masker.Text(err.Error()), "look at "+r.g.deps.Layout.Output(params.Run))
	}
	out := wire.RunOutput{Cursor: chunk.Cursor, Lines: []string{}, Truncated: chunk.Truncated, Reset: chunk.Reset}
	for _, line := range chunk.Lines { // the supervisor knew the rules, and not every value
		out.Lines = append(out.Lines, r.g.deps.Masker.Text(line))
	}
	out.Open = r.g.deps.Masker.Open(chunk.Open)
	return out, nil
}
