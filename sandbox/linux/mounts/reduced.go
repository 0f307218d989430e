//go:build linux

package mounts

import (
	"io/fs"
	"os"

	"openclaw/sandbox/policy"
)

// Names is a Preview for a cage that mounts nothing: the plan's Policy has every
// name that its rules' paths have on this machine, and denies what only root
// reads to an agent of root's.
func Names(p *policy.Policy) (*Plan, error) {
	plan, err := Preview(p)
	if err != nil || os.Geteuid() != 0 {
		return plan, err
	}
	pl := &planner{plan: plan, policy: plan.Policy, modes: map[string]fs.FileMode{}}
	pl.rootOnly(lookForClosed()())
	return plan, nil
}
