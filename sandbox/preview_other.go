//go:build !linux

package sandbox

import "openclaw/sandbox/policy"

// previewed is the plan of a cage that is not built: there is none on this system.
type previewed = *struct{}

// Own reports whether a cage has something of its own under a name.
func (p *Preview) Own(string) bool { return p.plan != nil }

// Served reports whether a new file in a folder that is open is judged by its own name.
func (p *Preview) Served(string) bool { return p.plan != nil }

// Leads reports whether a folder shows what is open below it, and nothing else.
func (p *Preview) Leads(string) bool { return p.plan != nil }

// Follows says whether a link is followed. Nothing is known of one here but where it leads.
func (p *Preview) Follows(string, string) policy.Decision {
	return policy.Decision{Effect: policy.Allow}
}
