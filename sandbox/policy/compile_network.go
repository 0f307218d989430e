package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// network fills p.Network.
//
// Outbound needs that nothing forbids it and that something grants it: a
// "true", a list of domains or addresses, or "ask" for the class net. Only a
// "true" with no list of domains opens every domain.
func (c *compiler) network(p *Policy) {
	n := &p.Network
	access := func(q *Permissions) *bool { return q.NetworkAccess }
	outbound := func(q *Permissions) *bool {
		if q.Network == nil {
			return nil
		}
		return q.Network.AllowOutbound
	}
	domains, domainsFrom, domainsWritten := c.domains()
	allowedIPs, ipsFrom, ipsWritten := c.allowedAddresses()
	n.Blocked = c.blockedAddresses()

	from, forbidden := c.said(false, "network_access", access)
	if !forbidden {
		from, forbidden = c.said(false, "network.allow_outbound", outbound)
	}
	if forbidden {
		n.OutboundFrom = from
		return
	}
	from, granted := c.said(true, "network.allow_outbound", outbound)
	if !granted {
		from, granted = c.said(true, "network_access", access)
	}
	switch {
	case granted:
	case domainsWritten && len(domains) > 0:
		from = domainsFrom
	case ipsWritten && len(allowedIPs) > 0:
		from = ipsFrom
	case slices.Contains(c.asksForNetwork(), ClassNet):
		from = c.origin(c.in.OwnKey)
	default:
		n.OutboundFrom = Origin{BuiltIn: "an agent has no network until its config gives it one"}
		return
	}
	n.Outbound, n.OutboundFrom = true, from
	n.AnyDomain = granted && !domainsWritten
	n.Domains, n.DomainsFrom, n.Allowed = domains, domainsFrom, allowedIPs
	if !domainsWritten {
		n.DomainsFrom = n.OutboundFrom
	}
}

// asksForNetwork is what Policy.Asks will hold, without its problems.
func (c *compiler) asksForNetwork() []Class {
	quiet := &compiler{in: c.in, expand: c.expand, layers: c.layers}
	var p Policy
	quiet.asks(&p)
	return p.Asks
}

// domains is allowed_domains of the layer that writes it, or the pairwise
// intersection when both do.
func (c *compiler) domains() (rules []DomainRule, from Origin, written bool) {
	for _, l := range c.layers {
		if l.perms.Network == nil || l.perms.Network.AllowedDomains == nil {
			continue
		}
		key := l.key + ".network.allowed_domains"
		var list []DomainRule
		if !c.tooMany(key, len(l.perms.Network.AllowedDomains)) {
			for i, entry := range l.perms.Network.AllowedDomains {
				pattern, port, err := parseDomain(entry)
				if err != nil {
					c.fail(fmt.Sprintf("%s[%d]", key, i), "%q: %v", entry, err)
					continue
				}
				rule := DomainRule{Pattern: pattern, Port: port, Origin: c.origin(fmt.Sprintf("%s[%d]", key, i)), Text: "allowed_domains: " + entry}
				list = append(list, rule)
			}
		}
		if !written {
			rules, from, written = list, c.origin(key), true
			continue
		}
		var both []DomainRule
		for _, a := range rules {
			for _, b := range list {
				if r, ok := intersectDomain(a, b); ok && !slices.ContainsFunc(both, func(h DomainRule) bool { return h.Pattern == r.Pattern && h.Port == r.Port }) {
					both = append(both, r)
				}
			}
		}
		if len(both) == 0 && len(rules) > 0 {
			c.warn(c.layers[0].key+".network.allowed_domains", "none of these is in allowed_domains of the role, so none is allowed")
		}
		rules = both
	}
	return rules, from, written
}

// intersectDomain is the set of names and ports that both rules allow.
func intersectDomain(a, b DomainRule) (DomainRule, bool) {
	if a.Port != 0 && b.Port != 0 && a.Port != b.Port {
		return DomainRule{}, false
	}
	narrow := a
	switch {
	case a.Pattern == b.Pattern:
		if a.Port == 0 {
			narrow = b
		}
	case patternWithin(a.Pattern, b.Pattern):
	case patternWithin(b.Pattern, a.Pattern):
		narrow = b
	default:
		return DomainRule{}, false
	}
	if port := max(a.Port, b.Port); narrow.Port != port {
		narrow.Port = port
		narrow.Text += " (port " + strconv.Itoa(int(port)) + ")"
	}
	return narrow, true
}

// patternWithin reports whether every name that inner allows is one that outer
// allows. "*.a.test" is not within "a.test", nor the other way round.
func patternWithin(inner, outer string) bool {
	if inner == outer {
		return true
	}
	if _, wild := strings.CutPrefix(outer, "*."); !wild {
		return false
	}
	return matchDomain(outer, strings.TrimPrefix(inner, "*."))
}

// blockedAddresses is blocked_ips of both layers, then the built-in ranges.
func (c *compiler) blockedAddresses() []AddressRule {
	var out []AddressRule
	for _, l := range c.layers {
		if l.perms.Network == nil {
			continue
		}
		key := l.key + ".network.blocked_ips"
		for _, rule := range c.addresses(key, "blocked_ips", l.perms.Network.BlockedIPs) {
			if rule.Port != 0 {
				c.fail(rule.Origin.Key, "a blocked address is blocked on every port; write it without one")
				continue
			}
			out = append(out, rule)
		}
	}
	return append(out, builtinBlocked()...)
}

func builtinBlocked() []AddressRule {
	ranges := blockedRanges()
	out := make([]AddressRule, 0, len(ranges))
	for _, row := range ranges {
		out = append(out, AddressRule{Prefix: row.prefix, Origin: Origin{BuiltIn: row.reason}, Text: "built-in: " + row.reason})
	}
	return out
}

// allowedAddresses is allowed_ips of the layer that writes it, or the pairwise
// intersection when both do.
func (c *compiler) allowedAddresses() (rules []AddressRule, from Origin, written bool) {
	builtin := builtinBlocked()
	for _, l := range c.layers {
		if l.perms.Network == nil || l.perms.Network.AllowedIPs == nil {
			continue
		}
		key := l.key + ".network.allowed_ips"
		list := c.addresses(key, "allowed_ips", l.perms.Network.AllowedIPs)
		if !written {
			rules, from, written = list, c.origin(key), true
			continue
		}
		var both []AddressRule
		for _, a := range rules {
			for _, b := range list {
				if r, ok := intersectAddress(a, b, builtin); ok {
					both = append(both, r)
				}
			}
		}
		rules = both
	}
	return rules, from, written
}

// intersectAddress is the range and port that both entries allow.
func intersectAddress(a, b AddressRule, builtin []AddressRule) (AddressRule, bool) {
	if !a.Prefix.Overlaps(b.Prefix) || a.Port != 0 && b.Port != 0 && a.Port != b.Port {
		return AddressRule{}, false
	}
	narrow := a
	if b.Prefix.Bits() > a.Prefix.Bits() {
		narrow = b
	}
	if port := max(a.Port, b.Port); narrow.Port != port {
		narrow.Port = port
		narrow.Text += " (port " + strconv.Itoa(int(port)) + ")"
	}
	// A built-in range that only one of the two names stays blocked.
	if !liftsAs(narrow, a, builtin) || !liftsAs(narrow, b, builtin) {
		return AddressRule{}, false
	}
	return narrow, true
}

func (c *compiler) addresses(key, field string, list []string) []AddressRule {
	if c.tooMany(key, len(list)) {
		return nil
	}
	out := make([]AddressRule, 0, len(list))
	for i, entry := range list {
		key := fmt.Sprintf("%s[%d]", key, i)
		rule, err := parseAddressRule(entry)
		if err != nil {
			c.fail(key, "%q: %v", entry, err)
			continue
		}
		if masked := rule.Prefix.Masked(); masked != rule.Prefix {
			c.warn(key, "%s stands for the whole range %s", entry, masked)
			rule.Prefix = masked
		}
		rule.Origin, rule.Text = c.origin(key), field+": "+entry
		if field == "allowed_ips" && rule.Prefix.Addr().IsLoopback() && (rule.Port == 0 || !rule.Prefix.IsSingleIP() || rule.Prefix.Addr().Is6()) {
			c.warn(key, "of this machine's loopback an agent reaches an IPv4 address with its port; write it like 127.0.0.1:8080")
		}
		if field == "allowed_ips" && !namesBuiltin(rule.Prefix) && overlapsBuiltin(rule.Prefix) {
			c.warn(key, "%s is wider than the built-in blocked ranges in it, which stay blocked; name such a range itself", entry)
		}
		out = append(out, rule)
	}
	return out
}

// namesBuiltin reports whether an allowed range lies within every built-in
// range that it meets.
func namesBuiltin(prefix netip.Prefix) bool {
	for _, row := range blockedRanges() {
		if row.prefix.Overlaps(prefix) && row.prefix.Bits() > prefix.Bits() {
			return false
		}
	}
	return true
}

func overlapsBuiltin(prefix netip.Prefix) bool {
	return slices.ContainsFunc(blockedRanges(), func(row builtinRange) bool { return row.prefix.Overlaps(prefix) })
}
