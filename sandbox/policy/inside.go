package policy

// Inside is the policy for what lies in a folder, and for the folder itself: it decides as
// p does about every path there, and looks at fewer rules for it. Of a policy's rules some
// two hundred are about places elsewhere. The folder's path is absolute and clean.
func (p *Policy) Inside(folder string) *Policy {
	inside := *p
	inside.Paths = nil
	for i := range p.Paths {
		if rule := &p.Paths[i]; rule.concerns(folder) {
			inside.Paths = append(inside.Paths, *rule)
		}
	}
	return &inside
}

// concerns reports whether a rule may match a folder, or something in it.
func (rule *PathRule) concerns(folder string) bool {
	if rule.Glob {
		return matchGlob(rule.Path, folder) || MayMatchBelow(rule.Path, folder)
	}
	return under(folder, rule.Path) || under(rule.Path, folder)
}
