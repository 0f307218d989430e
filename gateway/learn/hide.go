package learn

import "slices"

// Names are the texts of what was recorded that are shown or written: targets,
// programs and the rules that refused, each once.
func Names(accesses []Access, refusals []Refusal) []string {
	var names []string
	for _, a := range accesses {
		names = append(names, a.Target, a.Program)
	}
	for _, r := range refusals {
		names = append(names, r.Target, r.Rule)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Hide puts what masked has for a name in its place. An access to a name that changes
// is one that nothing is proposed for: the config would hold the secret.
func Hide(accesses []Access, refusals []Refusal, masked map[string]string) {
	for i := range accesses {
		a := &accesses[i]
		a.Hidden = masked[a.Target] != a.Target
		a.Target, a.Program = masked[a.Target], masked[a.Program]
	}
	for i := range refusals {
		refusals[i].Target, refusals[i].Rule = masked[refusals[i].Target], masked[refusals[i].Rule]
	}
}
