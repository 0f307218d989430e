package supervise

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"openclaw/gateway/wire"
	"openclaw/sandbox"
)

// answering is a gateway that starts a run with an answer of its own. It stands for one
// of another version, which cannot be had here.
type answering struct {
	answer string
	ended  []wire.RunEndParams
}

func (a *answering) Call(_ context.Context, method string, params, result any) error {
	if end, ok := params.(wire.RunEndParams); ok && method == wire.MethodRunEnd {
		a.ended = append(a.ended, end)
	}
	if method == wire.MethodRunStart {
		return json.Unmarshal([]byte(a.answer), result)
	}
	return nil
}

func (a *answering) Events() <-chan wire.Event { return nil }
func (a *answering) Close() error              { return nil }

// A policy that cannot be read, or none, starts nothing: the person is told why, and the
// gateway that the run is over.
func TestAPolicyThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{
		`{"run":"r1","gateway":"127.0.0.1:1","packed_policy":"BWNvZGU="}`, `{"run":"r1","gateway":"127.0.0.1:1","packed_policy":""}`, `{"run":"r1","gateway":"127.0.0.1:1"}`,
	} {
		gateway := &answering{answer: answer}
		_, err := Run(t.Context(), Options{
			Agent: "coder", Command: []string{"true"}, Warn: func(string) {},
			Dial: func(context.Context, bool) (Conn, error) { return gateway, nil },
			Cage: func(context.Context) (*sandbox.Cage, error) { return nil, errors.New("a cage was asked for") },
		})
		if err == nil || !strings.Contains(err.Error(), "different versions") {
			t.Errorf("%s: %v", answer, err)
		}
		if len(gateway.ended) != 1 || gateway.ended[0].Run != "r1" || gateway.ended[0].Exit != "refused" {
			t.Errorf("%s: the gateway was told %+v", answer, gateway.ended)
		}
	}
}
