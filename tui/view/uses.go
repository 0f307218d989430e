package view

import (
	"strings"

	"openclaw/sandbox/policy"
)

// placeWidth is the column of where a rule stands, and how often it was used.
const placeWidth = 22

// uses counts how often each rule of a policy decided, as far as somebody saw it:
// the refusals and the connections that the gateway lists. What a path rule
// allows passes in the kernel, which tells nobody.
type uses struct {
	of    *policy.Policy
	edits uint64
}

// count writes the counts into the rows of a policy, when they changed.
func (u *uses) count(d *Data, agent string, p *policy.Policy, rows []policyRow) {
	edits := d.Denials.Edits + d.Connections.Edits
	if u.of == p && u.edits == edits {
		return
	}
	u.of, u.edits = p, edits
	type rule struct {
		deny bool
		from policy.Origin
	}
	counts := map[rule]int{}
	for i := range d.Denials.Len() {
		if x := d.Denials.Oldest(i); x.Agent == agent {
			counts[rule{true, placeOf(x.Origin)}] += max(x.Count, 1)
		}
	}
	for i := range d.Connections.Len() {
		if x := d.Connections.Oldest(i); x.Agent == agent && x.Kind == "net" && x.State != "refused" {
			counts[rule{false, placeOf(x.Origin)}]++
		}
	}
	for i := range rows {
		r := &rows[i]
		if r.title == "" && r.from != (policy.Origin{}) {
			r.used = counts[rule{r.effect != policy.Allow, placeOf(r.from)}]
		}
	}
}

// placeOf is what tells a rule from the others when the config is edited above it: its
// line moves then, and the name of its key does not. One item of a list has its line
// still, because the number in its key moves with the items before it.
func placeOf(o policy.Origin) policy.Origin {
	if !strings.HasSuffix(o.Key, "]") {
		o.Line = 0
	}
	return o
}
