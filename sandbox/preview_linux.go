package sandbox

import (
	"path"

	"openclaw/sandbox/linux/gate"
	"openclaw/sandbox/linux/mounts"
	"openclaw/sandbox/policy"
)

// previewed is the plan of a cage that is not built.
type previewed = *mounts.Plan

// PreviewOf is what a cage would make of a policy on this machine now, by the plan that
// one is built by. It changes nothing, and takes as long as that plan.
func PreviewOf(p *policy.Policy) Preview {
	plan, err := mounts.Make(p)
	if err != nil {
		return Preview{Policy: p, Refused: planError(err)}
	}
	return Preview{Policy: plan.Policy, Unmet: plan.Unmet, plan: plan}
}

// Own reports whether a full cage has something of its own under a name, and nothing of
// the machine's: /tmp, /proc.
func (p *Preview) Own(name string) bool {
	return p.plan != nil && p.plan.Regions.Of(name) == mounts.Private
}

// Served reports whether a full cage serves a folder that is open, because something below
// it is not: a new file in it is then judged by its own name.
func (p *Preview) Served(name string) bool { return p.plan != nil && p.plan.Regions.Served(name) }

// Leads reports whether a folder is on the way to something that is open: a full cage
// shows that of it, and nothing else.
func (p *Preview) Leads(name string) bool {
	if p.plan == nil {
		return false
	}
	for fixed := range p.plan.Fixed {
		if fixed != name && within(fixed, name) {
			return true
		}
	}
	for i := range p.Policy.Paths {
		if rule := &p.Policy.Paths[i]; rule.Effect == policy.Allow && !rule.Glob && rule.Path != name && within(rule.Path, name) {
			return true
		}
	}
	return false
}

// Follows says whether a link is followed: where its text can be read. path is the
// link's own, with no other link in it.
func (p *Preview) Follows(name, target string) policy.Decision {
	decision := p.Policy.Decide(policy.Request{Class: policy.ClassPathRead, Path: name})
	if p.plan == nil || decision.Effect == policy.Allow {
		return decision
	}
	_, fixed := p.plan.Fixed[name]
	readable := func(at string) bool { return p.Policy.Opens(at) != "" }
	if fixed || p.Own(name) || gate.Public(path.Dir(name), target, readable) {
		decision.Effect = policy.Allow
	}
	return decision
}
