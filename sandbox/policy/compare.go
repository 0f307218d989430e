package policy

import (
	"reflect"
	"slices"
	"strings"
)

// Changes says what differs between two policies, so that a cage can tell what
// it applies at once and what waits for the next run.
type Changes struct {
	Paths   bool // rules for files differ
	Exec    bool // what may be run differs
	Network bool // what may be reached differs
	Limits  bool // file size, resources, nesting, asks, enforcement, environment or workspace differ

	// Narrower: the new policy forbids something that the old one did not
	// forbid, or could; Wider is the other way round. Both may be true. When
	// both are false the two policies say the same.
	Narrower bool
	Wider    bool

	Added   []string // rules of the new policy alone, one line each
	Removed []string // rules of the old policy alone
}

// None reports whether nothing differs that a cage enforces.
func (c Changes) None() bool { return !c.Paths && !c.Exec && !c.Network && !c.Limits }

// Narrower reports whether replacing old allows nothing that old did not allow.
// "true" is certain; "false" also stands for what cannot be shown, as when a
// pattern was replaced by another.
func Narrower(old, replacement *Policy) bool {
	if replacement == nil {
		return true
	}
	if old == nil {
		return false
	}
	return pathsWithin(replacement, old) && execWithin(replacement, old) && networkWithin(replacement, old) && limitsWithin(replacement, old)
}

// Compare says what changes when replacement takes the place of old. A nil
// policy allows nothing. Where a rule stands in the config does not count.
func Compare(old, replacement *Policy) Changes {
	if old == nil {
		old = &Policy{}
	}
	if replacement == nil {
		replacement = &Policy{}
	}
	a, b := bare(old), bare(replacement)
	c := Changes{
		Paths:   !reflect.DeepEqual(a.Paths, b.Paths),
		Exec:    a.Exec != b.Exec,
		Network: !reflect.DeepEqual(a.Network, b.Network),
		Limits: a.MaxFileSize != b.MaxFileSize || a.AskTimeout != b.AskTimeout || a.Enforce != b.Enforce || a.OnNarrow != b.OnNarrow || a.Workspace != b.Workspace ||
			a.Resources != b.Resources || a.Nested != b.Nested ||
			!slices.Equal(a.Asks, b.Asks) || !slices.Equal(a.NeverAlways, b.NeverAlways) || !slices.Equal(a.Env, b.Env),
	}
	if c.None() {
		return c
	}
	c.Narrower, c.Wider = !Narrower(replacement, old), !Narrower(old, replacement)
	before, after := lines(old), lines(replacement)
	c.Added, c.Removed = missing(after, before), missing(before, after)
	return c
}

// bare is the policy without what only names its rules, in a fixed order.
func bare(p *Policy) *Policy {
	q := *p
	q.Paths = slices.Clone(p.Paths)
	for i := range q.Paths {
		r := &q.Paths[i]
		r.Origin, r.LimitFrom, r.Text, r.Limit = Origin{}, Origin{}, "", ""
	}
	slices.SortStableFunc(q.Paths, func(a, b PathRule) int { return strings.Compare(a.Path+string(a.Effect), b.Path+string(b.Effect)) })
	q.Exec.CommandsFrom, q.Exec.SystemFrom = Origin{}, Origin{}
	q.Resources, q.NestedFrom = bareResources(q.Resources), Origin{}
	n := &q.Network
	n.OutboundFrom, n.DomainsFrom = Origin{}, Origin{}
	n.Domains = slices.Clone(n.Domains)
	for i := range n.Domains {
		n.Domains[i].Origin, n.Domains[i].Text = Origin{}, ""
	}
	n.Blocked, n.Allowed = bareAddresses(n.Blocked), bareAddresses(n.Allowed)
	return &q
}

func bareAddresses(rules []AddressRule) []AddressRule {
	out := slices.Clone(rules)
	for i := range out {
		out[i].Text = ""
		// Whether a range is built in decides if allowed_ips lifts it.
		out[i].Origin = Origin{BuiltIn: out[i].Origin.BuiltIn}
	}
	return out
}

// lines is what a person may have written, one rule a line.
func lines(p *Policy) []string {
	var out []string
	for i := range p.Paths {
		rule := &p.Paths[i]
		if rule.System || rule.Effect != Allow && rule.Origin.BuiltIn != "" {
			continue
		}
		text := p.ruleText(rule)
		if rule.Effect == Allow && !strings.Contains(text, "(") {
			text += " (" + string(rule.Access) + ")"
		}
		out = append(out, text)
	}
	out = append(out, yesNo("execute_commands: ", p.Exec.Commands), yesNo("system_commands: ", p.Exec.System), yesNo("outbound network: ", p.Network.Outbound))
	for i := range p.Network.Domains {
		out = append(out, p.Network.Domains[i].text())
	}
	if p.Network.Outbound && p.Network.AnyDomain {
		out = append(out, "every domain")
	}
	for _, rules := range [][]AddressRule{p.Network.Blocked, p.Network.Allowed} {
		for i := range rules {
			if rules[i].Origin.BuiltIn == "" {
				out = append(out, rules[i].text())
			}
		}
	}
	for _, class := range p.Asks {
		out = append(out, "ask: "+string(class))
	}
	out = append(out, p.Resources.Lines()...)
	if p.Nested {
		out = append(out, "nested: true")
	}
	return out
}

func yesNo(key string, on bool) string {
	if on {
		return key + "yes"
	}
	return key + "no"
}

func missing(have, from []string) []string {
	var out []string
	for _, line := range have {
		if !slices.Contains(from, line) {
			out = append(out, line)
		}
	}
	return out
}
