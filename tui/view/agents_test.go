package view

import (
	"strings"
	"testing"
	"time"

	"openclaw/gateway/event"
)

// A run in the reduced mode shows as such in the list and in its pane, and what
// it lacks stands there with the reason and the cure; a full one does not.
func TestReducedModeIsPlain(t *testing.T) {
	for _, reduced := range []bool{true, false} {
		mechanisms := []event.Mechanism{{Name: "call filter", Enforced: true}}
		if reduced {
			mechanisms = append(mechanisms, event.Mechanism{Name: "full cage", Detail: "REDUCED MODE, because it must", Fix: "openclaw doctor"})
		}
		d := NewData()
		d.Agents = []event.Agent{{
			Name: "coder", Role: "builder", State: "running",
			Runs: []event.Run{{ID: "r1", Agent: "coder", Command: []string{"sh"}, Started: time.Unix(1, 0), Mechanisms: mechanisms}},
		}}
		v := NewAgents(d)
		c := NewCanvas(NewTheme(false, false))
		c.Reset(140, 40)
		v.Draw(c)
		frame := stripColour(text(c))
		for _, want := range []string{"REDUCED ", "in the reduced mode", "full cage: not enforced (REDUCED MODE, because it must)"} {
			if strings.Contains(frame, want) != reduced {
				t.Errorf("reduced %t, and %q:\n%s", reduced, want, frame)
			}
		}
	}
}
