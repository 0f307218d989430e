package view

import (
	"strings"

	"openclaw/gateway/event"
	"openclaw/sandbox/policy"
)

// placeWidth is the column of where a rule stands, and how often it was used.
const placeWidth = 22

// uses counts how often each rule of a policy decided, as far as somebody saw it:
// the refusals and the connections that the gateway lists. What a path rule
// allows passes in the kernel, which tells nobody.
type uses struct {
	of     *policy.Policy
	counts map[usedRule]int

	edits, shape         uint64 // of what was counted
	denials, connections int
}

type usedRule struct {
	deny bool
	from policy.Origin
}

// count writes the counts into the rows of a policy, when they changed. While denials and
// connections only come in, it looks at those that came.
func (u *uses) count(d *Data, agent string, p *policy.Policy, rows []policyRow) {
	edits, shape := d.Denials.Edits+d.Connections.Edits, d.Denials.shape()+d.Connections.shape()
	if u.of == p && u.edits == edits {
		return
	}
	if u.of != p || u.shape != shape {
		*u = uses{of: p, shape: shape, counts: map[usedRule]int{}}
	}
	u.edits = edits
	var last run // one rule mostly decides many times in a row
	for ; u.denials < d.Denials.Len(); u.denials++ {
		if x := d.Denials.Oldest(u.denials); x.Agent == agent {
			last = u.add(last, run{true, x.Origin, max(x.Count, 1)})
		}
	}
	for ; u.connections < d.Connections.Len(); u.connections++ {
		if x := d.Connections.Oldest(u.connections); x.Agent == agent && x.Kind == event.ConnectionNet && x.State != "refused" {
			last = u.add(last, run{false, x.Origin, 1})
		}
	}
	u.add(last, run{})
	for i := range rows {
		r := &rows[i]
		if r.title == "" && r.from != (policy.Origin{}) {
			r.used = u.counts[usedRule{r.effect != policy.Allow, placeOf(r.from)}]
		}
	}
}

// run is how often a rule decided in a row.
type run struct {
	deny  bool
	from  policy.Origin
	times int
}

// add returns what came last with what comes next, and counts what came last where that is
// another rule.
func (u *uses) add(last, next run) run {
	if next.times > 0 && next.deny == last.deny && next.from == last.from {
		last.times += next.times
		return last
	}
	if last.times > 0 {
		u.counts[usedRule{last.deny, placeOf(last.from)}] += last.times
	}
	return next
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
