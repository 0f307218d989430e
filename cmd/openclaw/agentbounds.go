package main

import (
	"fmt"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// showBounds prints the limits of an agent's runs, and whether its programs may
// build sandboxes of their own.
func (t *terminal) showBounds(p *policy.Policy) {
	r := p.Resources
	for _, limit := range []struct {
		value int64
		text  string
		from  policy.Origin
	}{
		{r.Memory, "memory " + policy.SizeText(r.Memory), r.MemoryFrom},
		{r.PIDs, fmt.Sprintf("%d processes and threads", r.PIDs), r.PIDsFrom},
		{r.CPU, policy.CPUText(r.CPU) + " cores", r.CPUFrom},
	} {
		if limit.value != 0 {
			t.print("limit      %s for all of a run together (%s)", limit.text, limit.from.String())
		}
	}
	if !p.Nested {
		t.print("nested     no: programs cannot build sandboxes of their own (%s)", p.NestedFrom.String())
		return
	}
	t.print("nested     yes (%s); it opens to every program of the agent:", p.NestedFrom.String())
	for _, line := range sandbox.NestedOpens() {
		t.print("  %s", line)
	}
	t.print("           programs that build sandboxes of their own:")
	for _, line := range sandbox.NestedPrograms() {
		t.print("  %s", line)
	}
}

// showLimits prints which limits this machine can enforce; only agents that
// have limits need them.
func (t *terminal) showLimits(limits []sandbox.Mechanism) {
	for _, m := range limits {
		if m.Enforced {
			t.print("✓ %-22s %s", m.Name, printable(m.Detail))
			continue
		}
		t.print("- %-22s %s", m.Name, printable(m.Detail))
		t.print("    needed by agents with limits: %s", m.Purpose)
		t.print("    get it:     %s", m.Fix)
	}
}
