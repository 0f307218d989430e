package policy

// Learning returns the policy of a run that learns: what p leaves unsaid is
// asked about instead of refused, so that whoever answers can let it through
// and write it down. What p or the program itself denies stays denied: denied
// paths, blocked addresses, read-only places, `execute_commands: false`. With
// network set, a cage that has no way out only because nothing was written gets
// one, on which every name is asked about; where the config forbids the way out
// it stays shut; without network set, nothing is reached that p does not allow.
// The result shares its lists with p, and like it must not be changed.
func Learning(p *Policy, network bool) *Policy {
	learning := *p
	learning.Version += "+learn"
	learning.Asks = []Class{ClassPathRead, ClassPathWrite, ClassExec}
	n := &learning.Network
	if network && !n.Outbound && n.OutboundFrom.BuiltIn != "" {
		n.Outbound = true
		n.OutboundFrom = Origin{BuiltIn: "a run that learns may reach what nothing blocks"}
		n.DomainsFrom = n.OutboundFrom
	}
	if network && n.Outbound {
		learning.Asks = append(learning.Asks, ClassNet)
	}
	return &learning
}
