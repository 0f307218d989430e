package sandbox

import (
	"openclaw/sandbox/linux/mounts"
	"openclaw/sandbox/policy"
)

// Named is a policy with every name that its paths have on this machine, by which a
// cage judges. It leaves nothing out: where a path cannot be followed, p comes back.
func Named(p *policy.Policy) *policy.Policy {
	plan, err := mounts.Preview(p)
	if err != nil {
		return p
	}
	return plan.Policy
}
