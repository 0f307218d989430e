package view

import "openclaw/gateway/event"

// openPast shows what rule would allow the selected denial. Nothing is written
// before that is in sight and confirmed, as with a held request.
func (v *DenialsView) openPast() {
	if row := v.inbox.get(v.list.Selected()); row != nil && row.denial != nil {
		v.ask.past, v.ask.match = row.denial.ID, ""
	}
}

// closePast goes back to the denial and reports whether a rule was shown.
func (v *DenialsView) closePast() bool {
	open := v.ask.past != ""
	v.ask.past = ""
	return open
}

// pastAsk is a denial as a request that can be allowed from now on.
func (v *DenialsView) pastAsk(d *event.Denial) *event.Ask {
	a := &event.Ask{
		ID: event.PastID(d.ID), State: event.AskPast, First: d.First, Last: d.Last, Count: d.Count, Agent: d.Agent, Run: d.Run, PID: d.PID,
		Program: d.Program, Class: d.Class, Operation: d.Operation, Target: d.Target, Rule: d.Rule, Origin: d.Origin,
	}
	// The gateway says how far it may go, with what the narrowest rule would be.
	if p, known := v.data.Previews[PreviewKey{a.ID, matchExact}]; known {
		a.Matches = p.Matches
	}
	return a
}

// pastFoot is the part of a denial's pane that stays in sight.
func (v *DenialsView) pastFoot(c *Canvas, d *event.Denial) {
	switch {
	case v.data.ReadOnly:
	case v.ask.past == d.ID:
		v.askFoot(c, v.pastAsk(d))
	case !v.allowable(d):
		c.Put(Bold, c.Key(ActAllow))
		c.Wrap(Faint, c.T(" asks whether a rule would allow it; nothing is written yet"), 2)
	default:
		c.Put(Bold, c.Key(ActAllow))
		c.Wrap(Faint, c.T(" shows the rule that would allow it; nothing is written yet"), 2)
	}
}

// allowable reports whether a rule is known that would allow a denial. It is asked with
// every frame, so the last answer is kept: what it depends on makes a denial another row.
func (v *DenialsView) allowable(d *event.Denial) bool {
	if v.advised.denial != d.ID {
		v.advised.denial, v.advised.rule = d.ID, advise(v.data.Words, d, v.data.Home, "").short != ""
	}
	return v.advised.rule
}

// follow selects the answer to a denial in the place of the denial.
func (v *DenialsView) follow() {
	id := v.list.Selected()
	if id == "" || v.inbox.get(id) != nil {
		return
	}
	if answered := askPrefix + event.PastID(id); v.inbox.get(answered) != nil {
		v.list.id = answered
	}
}
