package policy

const withdrawnReason = "the agent is no longer in the config"

// RuleWithdrawn is what every decision of a Withdrawn policy names.
const RuleWithdrawn = "built-in: " + withdrawnReason

// Withdrawn is the policy of an agent that left the config while it runs: it says of
// everything that it is denied, and why. Of last it keeps whose it is and where.
func Withdrawn(last *Policy) *Policy {
	origin := Origin{BuiltIn: withdrawnReason}
	return &Policy{
		Agent: last.Agent, Version: "removed", Home: last.Home, StateDir: last.StateDir, Workspace: last.Workspace, Enforce: last.Enforce, Default: origin,
		Exec: Exec{CommandsFrom: origin, SystemFrom: origin}, Network: NetworkRules{OutboundFrom: origin},
	}
}
