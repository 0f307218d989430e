package sandbox

import (
	"openclaw/sandbox/linux/mounts"
	"openclaw/sandbox/policy"
)

// PreviewOf is what a cage would make of a policy on this machine now. It changes nothing.
func PreviewOf(p *policy.Policy) Preview {
	plan, err := mounts.Preview(p)
	if err != nil {
		return Preview{Policy: p, Refused: planError(err)}
	}
	return Preview{Policy: plan.Policy, Unmet: plan.Unmet}
}
