package policy

import "slices"

// The functions here prove that one policy allows nothing that another does
// not. They may fail to see it, never the other way round.

// reach orders effects by how much they let through.
func reach(e Effect) int {
	switch e {
	case Allow:
		return 2
	case Ask:
		return 1
	case Deny:
		return 0
	}
	return 0
}

// pathsWithin compares the decisions at one place of each kind. Without
// patterns a decision depends only on which of the paths in the rules stand
// above a request, so each of those paths, and a place under none of them,
// speaks for all. Patterns only deny: each of outer's must stand in inner.
func pathsWithin(inner, outer *Policy) bool {
	for i := range outer.Paths {
		glob := &outer.Paths[i]
		if glob.Glob && !slices.ContainsFunc(inner.Paths, func(r PathRule) bool { return sameGlob(&r, glob) }) {
			return false
		}
	}
	a, b := withoutGlobs(inner), withoutGlobs(outer)
	places := []string{"/\x01"}
	for _, p := range []*Policy{inner, outer} {
		for i := range p.Paths {
			if !p.Paths[i].Glob {
				places = append(places, p.Paths[i].Path)
			}
			places = append(places, p.Paths[i].Except...)
		}
	}
	for _, place := range places {
		for _, class := range []Class{ClassPathRead, ClassPathWrite} {
			r := Request{Class: class, Path: place}
			if reach(a.Decide(r).Effect) > reach(b.Decide(r).Effect) {
				return false
			}
		}
	}
	return true
}

func sameGlob(r, glob *PathRule) bool {
	return r.Glob && r.Effect == glob.Effect && r.Path == glob.Path && slices.Equal(r.Except, glob.Except)
}

func withoutGlobs(p *Policy) *Policy {
	q := *p
	q.Paths = slices.DeleteFunc(slices.Clone(p.Paths), func(r PathRule) bool { return r.Glob })
	return &q
}

func execWithin(inner, outer *Policy) bool {
	if inner.Exec.Commands && !outer.Exec.Commands || inner.Exec.System && !outer.Exec.System {
		return false
	}
	return !slices.Contains(inner.Asks, ClassExec) || slices.Contains(outer.Asks, ClassExec) || !inner.Exec.Commands
}

func limitsWithin(inner, outer *Policy) bool {
	switch {
	case outer.MaxFileSize != 0 && (inner.MaxFileSize == 0 || inner.MaxFileSize > outer.MaxFileSize):
		return false
	case outer.OnNarrow == NarrowStop && inner.OnNarrow != NarrowStop:
		return false
	case outer.Enforce != EnforceReduced && inner.Enforce == EnforceReduced:
		return false
	case inner.AskTimeout > outer.AskTimeout && len(inner.Asks) > 0:
		return false
	case inner.Nested && !outer.Nested, !resourcesWithin(inner.Resources, outer.Resources):
		return false
	}
	for _, class := range inner.Asks {
		if slices.Contains(outer.NeverAlways, class) && !slices.Contains(inner.NeverAlways, class) {
			return false
		}
	}
	return !slices.ContainsFunc(inner.Env, func(name string) bool { return !slices.Contains(outer.Env, name) })
}

func networkWithin(inner, outer *Policy) bool {
	a, b := &inner.Network, &outer.Network
	if !a.Outbound {
		return true
	}
	if !b.Outbound || a.AnyDomain && !b.AnyDomain {
		return false
	}
	if slices.Contains(inner.Asks, ClassNet) && !slices.Contains(outer.Asks, ClassNet) {
		return false
	}
	if !b.AnyDomain {
		for _, d := range a.Domains {
			if !slices.ContainsFunc(b.Domains, func(o DomainRule) bool { return domainWithin(d, o) }) {
				return false
			}
		}
	}
	// An address that is allowed by itself, and one whose block is lifted, must
	// have been so before: inner's entry lies in one of outer's that is no
	// wider than what it lifts.
	for _, r := range a.Allowed {
		if !slices.ContainsFunc(b.Allowed, func(o AddressRule) bool { return addressWithin(r, o) && liftsAs(r, o, b.Blocked) }) {
			return false
		}
	}
	for _, o := range b.Blocked {
		if !slices.ContainsFunc(a.Blocked, func(r AddressRule) bool {
			return addressWithin(o, r) && (r.Origin.BuiltIn == "" || o.Origin.BuiltIn != "" && r.Prefix == o.Prefix)
		}) {
			return false
		}
	}
	return true
}

func domainWithin(inner, outer DomainRule) bool {
	return (outer.Port == 0 || inner.Port == outer.Port) && patternWithin(inner.Pattern, outer.Pattern)
}

func addressWithin(inner, outer AddressRule) bool {
	return (outer.Port == 0 || inner.Port == outer.Port) && inner.Prefix.Bits() >= outer.Prefix.Bits() && outer.Prefix.Contains(inner.Prefix.Addr())
}

// liftsAs reports whether outer lifts every built-in range that inner lifts.
func liftsAs(inner, outer AddressRule, blocked []AddressRule) bool {
	for _, r := range blocked {
		lifted := func(by *AddressRule) bool {
			return by.Prefix.Bits() >= r.Prefix.Bits() && (!r.Prefix.Addr().IsLoopback() || by.namesService())
		}
		if r.Origin.BuiltIn != "" && r.Prefix.Overlaps(inner.Prefix) && lifted(&inner) && !lifted(&outer) {
			return false
		}
	}
	return true
}
