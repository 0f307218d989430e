package gateway

import (
	"encoding/json"
	"testing"
	"time"

	"openclaw/gateway/wire"
)

// Whoever may administer the gateway ends a run through its own supervisor; the
// end of another's run, or of none, is refused.
func TestARunIsEndedThroughItsSupervisor(t *testing.T) {
	h, supervisor, run := asking(t)
	screen := h.local()
	if refusal := refusalOf(t, screen.Call(t.Context(), wire.MethodRunStop, wire.RunStopParams{Run: "nosuch"}, nil)); refusal.Code != wire.CodeNotFound {
		t.Errorf("no such run: %v", refusal)
	}
	if err := screen.Call(t.Context(), wire.MethodRunStop, wire.RunStopParams{Run: run.Run, Kill: true}, nil); err != nil {
		t.Fatal(err)
	}
	timeout := time.After(10 * time.Second)
	for {
		select {
		case e := <-supervisor.Events():
			var params wire.RunStopParams
			if e.Event != wire.EventRunStop {
				continue
			}
			if err := json.Unmarshal(e.Payload, &params); err != nil || params.Run != run.Run || !params.Kill {
				t.Errorf("pushed %s: %v", e.Payload, err)
			}
			return
		case <-timeout:
			t.Fatal("the supervisor was told nothing")
		}
	}
}
