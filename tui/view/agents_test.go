package view

import (
	"strings"
	"testing"
	"time"

	"openclaw/gateway/event"
	"openclaw/sandbox/policy"
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

// The many places that start by themselves are one row that counts them, until they are
// unfolded; a single one, and what the person wrote, stand as they are.
func TestStartUpPlacesAreOneRow(t *testing.T) {
	for _, n := range []int{1, 3, 60} {
		p := &policy.Policy{Agent: "coder", Version: "1", Paths: []policy.PathRule{{Path: "/home/u", Effect: policy.Allow, Access: policy.AccessWrite, Origin: policy.Origin{File: "c.yaml", Line: 3}}}}
		for i := range n {
			p.Paths = append(p.Paths, policy.PathRule{Path: "/home/u/.rc" + itoa(i), Effect: policy.Allow, Access: policy.AccessRead, Origin: policy.Origin{BuiltIn: "start-up file of a shell"}, Limit: "built-in: start-up file of a shell (read only)"})
		}
		d := NewData()
		d.Agents = []event.Agent{{Name: "coder", State: "stopped", Policy: p}}
		v := NewAgents(d)
		c := NewCanvas(NewTheme(false, false))
		for _, whole := range []bool{false, true} {
			c.Reset(140, 100)
			v.Draw(c)
			frame := stripColour(text(c))
			one := strings.Contains(frame, itoa(n)+" start-up files and folders")
			if folded := !whole && n > 1; one != folded || strings.Contains(frame, "/home/u/.rc0 ") == folded || !strings.Contains(frame, "/home/u ") {
				t.Errorf("%d, whole %v:\n%s", n, whole, frame)
			}
			v.Do(ActFold)
		}
	}
}
