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
	if err != nil {
		return nil, err
	}
	finder, err := newFinder()
	if err != nil {
		return nil, err
	}
	pl := &planner{
		plan: plan, policy: plan.Policy, modes: map[string]fs.FileMode{}, builtIn: map[string]bool{}, lookups: newLookups(),
		finder: finder, copied: map[string]bool{},
	}
	if os.Geteuid() == 0 {
		pl.rootOnly(lookForClosed()())
	}
	if err := pl.byName(); err != nil {
		return nil, err
	}
	return plan, nil
}
