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

// Where the policy asks for what no rule speaks of, the tree says so, as a tried request
// does; and an edit above a rule does not forget how often it was used.
func TestThePolicySaysWhereItAsks(t *testing.T) {
	const key = "agents.coder.permissions.network.allowed_domains"
	at := func(line int, key string) policy.Origin {
		return policy.Origin{File: "config.yaml", Line: line, Key: key}
	}
	for _, asks := range []bool{true, false} {
		p := &policy.Policy{Agent: "coder", Version: "1", Default: at(3, "agents.coder")}
		p.Network = policy.NetworkRules{Outbound: true, OutboundFrom: at(7, key), DomainsFrom: at(7, key), Domains: []policy.DomainRule{{Pattern: "a.example", Origin: at(8, key+"[0]")}, {Pattern: "b.example", Origin: at(9, key+"[1]")}}}
		want := "deny  every other domain"
		if asks {
			p.Asks, want = []policy.Class{policy.ClassNet}, "? ask   every other domain"
		}
		d := NewData()
		d.Agents = []event.Agent{{Name: "coder", State: "running", Policy: p}}
		d.Denials.Put(&event.Denial{ID: "1", Agent: "coder", Count: 4, Origin: at(6, key)})
		d.Connections.Put(&event.Connection{ID: "2", Agent: "coder", Kind: "net", State: "open", Origin: at(8, key+"[1]")}) // it stood there before
		v := NewAgents(d)
		c := NewCanvas(NewTheme(false, false))
		c.Reset(140, 40)
		v.Draw(c)
		frame := stripColour(text(c))
		for _, want := range []string{want, "config.yaml:7 4 ×"} {
			if !strings.Contains(frame, want) {
				t.Errorf("asks %t, and no %q:\n%s", asks, want, frame)
			}
		}
		if strings.Contains(frame, "1 ×") {
			t.Errorf("what another item of the list allowed is counted:\n%s", frame)
		}
	}
}

// A policy that a secret was taken out of decides nothing on the screen: a request that is
// tried, and the rules behind a denial, would be told wrong. The command that knows it all
// is named.
func TestAPolicyWithoutItsSecretDecidesNothing(t *testing.T) {
	p := &policy.Policy{Agent: "coder", Version: "1", Paths: []policy.PathRule{
		{Path: "/srv", Effect: policy.Allow, Access: policy.AccessRead, Origin: policy.Origin{File: "c.yaml", Line: 3}},
		{Path: "/srv/[REDACTED]", Effect: policy.Deny, Origin: policy.Origin{File: "c.yaml", Line: 4}},
	}}
	for _, masked := range []bool{true, false} {
		d := NewData()
		d.Agents = []event.Agent{{Name: "coder", State: "stopped"}}
		d.Details["coder"] = event.Agent{Name: "coder", State: "stopped", Policy: p, PolicyMasked: masked}
		v := NewAgents(d)
		c := NewCanvas(NewTheme(false, false))
		c.Reset(140, 60)
		v.Draw(c)
		v.Do(ActTest)
		v.test.Set("read /srv/the-secret")
		c.Reset(140, 60)
		v.Draw(c)
		tried := stripColour(text(c))
		c.Reset(140, 60)
		d.trace(c, "coder", policy.ClassPathRead, "/srv/[REDACTED]/x")
		traced := stripColour(text(c))
		for where, frame := range map[string]string{"what is tried": tried, "why": traced} {
			if strings.Contains(frame, "nothing is decided here") != masked || strings.Contains(frame, "openclaw agent test coder") != masked {
				t.Errorf("masked %v, %s:\n%s", masked, where, frame)
			}
		}
		if strings.Contains(tried, "allow  ") == masked || strings.Contains(traced, "matches") == masked {
			t.Errorf("masked %v:\n%s\n%s", masked, tried, traced)
		}
	}
}
