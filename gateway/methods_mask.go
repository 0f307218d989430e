package gateway

import (
	"context"

	"openclaw/gateway/hub"
	"openclaw/gateway/wire"
)

// maskTexts is for a program of the same person that shows or writes what a run said:
// the values of secrets are known here and nowhere else.
func (g *Gateway) maskTexts(_ context.Context, call *hub.Call) (any, error) {
	var params wire.MaskParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	if len(params.Texts) > wire.MaxMasked {
		return nil, wire.Invalid("too many texts in one call")
	}
	masked := wire.Masked{Texts: make([]string, len(params.Texts))}
	for i, text := range params.Texts {
		masked.Texts[i] = g.deps.Masker.Text(text)
	}
	return masked, nil
}
