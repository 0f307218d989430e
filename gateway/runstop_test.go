package gateway

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/client"
	"openclaw/gateway/event"
	"openclaw/gateway/logs"
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
	timeout := time.After(time.Minute)
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

// Only a run whose supervisor can start the same again is told to, and what a
// run without a terminal said is read by its name alone.
func TestARunIsStartedAgainAndRead(t *testing.T) {
	h, supervisor, run := asking(t) // nothing is known of its terminal
	screen := h.local()
	if refusal := refusalOf(t, screen.Call(t.Context(), wire.MethodRunStop, wire.RunStopParams{Run: run.Run, Restart: true}, nil)); refusal.Code != wire.CodeInvalidRequest {
		t.Errorf("%v", refusal)
	}
	var kept wire.RunStarted
	if err := supervisor.Call(t.Context(), wire.MethodRunStart, wire.RunStartParams{Agent: "coder", Command: []string{"x"}, Terminal: event.Kept}, &kept); err != nil {
		t.Fatal(err)
	}
	if refusal := refusalOf(t, screen.Call(t.Context(), wire.MethodRunStop, wire.RunStopParams{Run: kept.Run, Restart: true, Kill: true}, nil)); refusal.Code != wire.CodeInvalidRequest {
		t.Errorf("%v", refusal)
	}
	if err := screen.Call(t.Context(), wire.MethodRunStop, wire.RunStopParams{Run: kept.Run, Restart: true}, nil); err != nil {
		t.Fatal(err)
	}
	if entries := h.audited("authorization"); len(entries) != 1 || entries[0].Action != "restart" || entries[0].Details["run"] != kept.Run {
		t.Errorf("%+v", entries)
	}
	file, err := logs.OpenOutput(h.layout.Output(kept.Run))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = file.Write([]byte("one\ntwo\nhalf"))
	backend := client.NewBackend(screen, nil)
	out, err := backend.RunOutput(t.Context(), kept.Run, 0, 0)
	if err != nil || !slices.Equal(out.Lines, []string{"one", "two"}) || out.Open != "half" {
		t.Errorf("%+v %v", out, err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if out, err = backend.RunOutput(t.Context(), kept.Run, out.Cursor, 0); err != nil || !slices.Equal(out.Lines, []string{"half"}) || out.Open != "" {
		t.Errorf("%+v %v", out, err)
	}
	for _, name := range []string{"../gateway", "", "a/b", strings.Repeat("a", 65)} {
		if out, err := backend.RunOutput(t.Context(), name, 0, 0); err == nil {
			t.Errorf("%q: %+v", name, out)
		}
	}
}
