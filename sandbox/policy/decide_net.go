package policy

import (
	"net/netip"
	"strings"
)

// DecideName judges a look-up (port 0) of a host, or a connection to it before
// its address is known. A host that is an address in text form is judged as an
// address without a name.
func (p *Policy) DecideName(host string, port uint16) Decision {
	return p.Decide(Request{Class: ClassNet, Host: host, Port: port})
}

// DecideAddress judges a connection to a resolved address, at the moment of the
// dial. host is the name that the program asked for, or empty when it named
// the address itself; then only allowed_ips can allow it, and loopback only where
// it names one address with its port. A blocked address is
// a deny whatever the name; when the address is not blocked the answer is that
// of DecideName, so a person's "yes" to an Ask for the name covers an Ask here.
// An address counts as blocked when the config's blocked_ips hold it, or a
// built-in range does and no entry of allowed_ips names it; a wider entry than
// the built-in range does not name it, nor one of loopback that is not an address
// with its port. The host's own addresses are the caller's to check.
func (p *Policy) DecideAddress(host string, addr netip.Addr, port uint16) Decision {
	if !addr.IsValid() {
		return Decision{Effect: Deny, Rule: "not an address"}
	}
	return p.Decide(Request{Class: ClassNet, Host: host, Address: addr, Port: port})
}

func (p *Policy) decideName(host string, port uint16, t *trace) Decision {
	if addr, ok := literalAddress(host); ok {
		return p.decideAddress("", addr, port, t)
	}
	name, ok := normalName(host)
	if !ok {
		return Decision{Effect: Deny, Rule: "not a host name", Origin: p.Default}
	}
	if d, refused := p.noOutbound(t); refused {
		return d
	}
	n := &p.Network
	var match *DomainRule
	for i := range n.Domains {
		rule := &n.Domains[i]
		hit := (rule.Port == 0 || port == 0 || rule.Port == port) && matchDomain(rule.Pattern, name)
		if t != nil {
			t.add(rule.text(), rule.Origin, hit)
		}
		if hit && (match == nil || len(rule.Pattern) > len(match.Pattern)) {
			match = rule
		}
	}
	if match != nil {
		return Decision{Effect: Allow, Rule: match.text(), Origin: match.Origin}
	}
	if n.AnyDomain {
		rule := outboundRule(n.OutboundFrom, true)
		t.add(rule, n.OutboundFrom, true)
		return Decision{Effect: Allow, Rule: rule, Origin: n.OutboundFrom}
	}
	return p.unmatched("not in allowed_domains", n.DomainsFrom, ClassNet)
}

func (p *Policy) decideAddress(host string, addr netip.Addr, port uint16, t *trace) Decision {
	if d, refused := p.noOutbound(t); refused {
		return d
	}
	if addr.Zone() != "" {
		return Decision{Effect: Deny, Rule: "built-in: link-local address", Origin: Origin{BuiltIn: "link-local address"}}
	}
	addr = addr.Unmap()
	if named, ok := literalAddress(host); ok {
		if named.Unmap() != addr {
			return Decision{Effect: Deny, Rule: "not the address that was asked for", Origin: p.Default}
		}
		host = ""
	}
	inner, carries := embedded4(addr)
	listed := p.listed(addr, port, t)

	var blocked *AddressRule
	for i := range p.Network.Blocked {
		rule := &p.Network.Blocked[i]
		hit := (rule.Port == 0 || rule.Port == port) && (rule.Prefix.Contains(addr) || carries && rule.Prefix.Contains(inner))
		if hit && rule.Origin.BuiltIn != "" && p.lifts(rule, addr, port) {
			hit = false
		}
		if t != nil {
			t.add(rule.text(), rule.Origin, hit)
		}
		if hit && (blocked == nil || blocksBetter(rule, blocked)) {
			blocked = rule
		}
	}
	switch {
	case blocked != nil:
		return Decision{Effect: Deny, Rule: blocked.text(), Origin: blocked.Origin}
	case host != "":
		return p.decideName(host, port, t)
	case addr.IsLoopback():
		return p.decideLoopback(addr, port)
	case listed != nil:
		return Decision{Effect: Allow, Rule: listed.text(), Origin: listed.Origin}
	}
	return p.unmatched("not in allowed_ips", p.Network.OutboundFrom, ClassNet)
}

// decideLoopback judges an address of loopback that a program named itself. A
// cage has a loopback of its own; of the machine's it is given single services.
func (p *Policy) decideLoopback(addr netip.Addr, port uint16) Decision {
	for i := range p.Network.Allowed {
		rule := &p.Network.Allowed[i]
		if addr.Is4() && rule.namesService() && rule.Port == port && rule.Prefix.Addr() == addr {
			return Decision{Effect: Allow, Rule: rule.text(), Origin: rule.Origin}
		}
	}
	return Decision{Effect: Deny, Rule: "built-in: of this machine's loopback a cage reaches what allowed_ips names with its port", Origin: Origin{BuiltIn: "loopback address"}}
}

// listed finds the narrowest entry of allowed_ips that holds the address.
func (p *Policy) listed(addr netip.Addr, port uint16, t *trace) *AddressRule {
	var best *AddressRule
	for i := range p.Network.Allowed {
		rule := &p.Network.Allowed[i]
		hit := (rule.Port == 0 || rule.Port == port) && rule.Prefix.Contains(addr)
		if t != nil {
			t.add(rule.text(), rule.Origin, hit)
		}
		if hit && (best == nil || rule.Prefix.Bits() > best.Prefix.Bits()) {
			best = rule
		}
	}
	return best
}

// lifts reports whether an entry of allowed_ips names a part of the built-in
// range, and the address is in that part. A range that was met through an
// embedded IPv4 address is not lifted, and that of loopback only by an entry that
// names one service: whoever answers for an allowed name would choose the port.
func (p *Policy) lifts(builtin *AddressRule, addr netip.Addr, port uint16) bool {
	if !builtin.Prefix.Contains(addr) {
		return false
	}
	for i := range p.Network.Allowed {
		rule := &p.Network.Allowed[i]
		if (rule.Port == 0 || rule.Port == port) && rule.Prefix.Contains(addr) && rule.Prefix.Bits() >= builtin.Prefix.Bits() &&
			(!addr.IsLoopback() || rule.namesService()) {
			return true
		}
	}
	return false
}

// namesService reports whether an entry is one address with its port.
func (rule *AddressRule) namesService() bool { return rule.Port != 0 && rule.Prefix.IsSingleIP() }

func blocksBetter(rule, have *AddressRule) bool {
	if own, was := rule.Origin.BuiltIn == "", have.Origin.BuiltIn == ""; own != was {
		return own
	}
	return rule.Prefix.Bits() > have.Prefix.Bits()
}

// noOutbound refuses when there is no way out at all.
func (p *Policy) noOutbound(t *trace) (Decision, bool) {
	n := &p.Network
	if n.Outbound {
		return Decision{}, false
	}
	rule := outboundRule(n.OutboundFrom, false)
	t.add(rule, n.OutboundFrom, true)
	origin := n.OutboundFrom
	if origin == (Origin{}) {
		origin = p.Default
	}
	return Decision{Effect: Deny, Rule: rule, Origin: origin}, true
}

// outboundRule names what switched the network on or off.
func outboundRule(o Origin, on bool) string {
	switch outbound := strings.HasSuffix(o.Key, ".allow_outbound"); {
	case outbound && on:
		return "allow_outbound: true"
	case outbound:
		return "allow_outbound: false"
	case on:
		return "network_access: true"
	case strings.HasSuffix(o.Key, ".network_access"):
		return "network_access: false"
	}
	return "no network_access"
}

func (rule *DomainRule) text() string {
	if rule.Text != "" {
		return rule.Text
	}
	return "allowed_domains: " + rule.Pattern
}

func (rule *AddressRule) text() string {
	switch {
	case rule.Text != "":
		return rule.Text
	case rule.Origin.BuiltIn != "":
		return "built-in: " + rule.Origin.BuiltIn
	}
	return "address rule: " + rule.Prefix.String()
}
