package view

import (
	"strings"
	"testing"
	"time"

	"openclaw/gateway/event"
	"openclaw/sandbox/policy"
)

// Why a call was refused that names no path and no host is not asked of the rules about
// these: they would answer something else.
func TestNoRuleIsAboutABarredCall(t *testing.T) {
	for mechanism, barred := range map[string]bool{"filter": true, "notify": false} {
		d := NewData()
		d.Now = time.Date(2026, 11, 22, 11, 30, 0, 0, time.UTC)
		d.Details["coder"] = event.Agent{Name: "coder", Policy: &policy.Policy{Agent: "coder"}}
		d.Apply(&event.Event{Denial: &event.Denial{
			ID: "d", Agent: "coder", Class: policy.ClassNet, Operation: "socket", Target: "a UNIX datagram socket", Rule: "built-in: no UNIX datagram socket",
			Origin: policy.Origin{BuiltIn: "x"}, Mechanism: mechanism, First: d.Now, Last: d.Now,
		}})
		v := NewDenials(d)
		c := NewCanvas(NewTheme(false, false))
		c.Reset(140, 60)
		v.Draw(c)
		v.Do(ActWhy)
		c.Reset(140, 60)
		v.Draw(c)
		if frame := stripColour(text(c)); strings.Contains(frame, "The kernel itself refused this (filter)") != barred || strings.Contains(frame, "the policy says now") == barred {
			t.Errorf("%s:\n%s", mechanism, frame)
		}
	}
}
