package view

import "openclaw/gateway/event"

// pastRule is a denial whose rule is looked at.
type pastRule struct {
	denial string   // its id; empty: none is
	of     string   // the selected row: the denial's own, or that of the ask that it ended
	row    inboxRow // of the denial, in the place of that ask's
}

// openPast shows what rule would allow the selected denial, or the one that an ask
// ended with. Nothing is written before that is in sight and confirmed, as with a held
// request. It reports whether there is one.
func (v *DenialsView) openPast() bool {
	row := v.inbox.get(v.list.Selected())
	if row == nil {
		return false
	}
	d := row.denial
	if d == nil {
		d = v.denialOf(row.ask)
	}
	if d == nil {
		return false
	}
	v.ask.past, v.ask.match = pastRule{denial: d.ID, of: row.id()}, ""
	return true
}

// denialOf is the denial that a person's no to an ask ended in, or nil. Only it can
// become a rule: an answer is the first one's that was given.
func (v *DenialsView) denialOf(a *event.Ask) *event.Denial {
	if a.State != event.AskDenied {
		return nil
	}
	found, edits := &v.ask.ended, v.data.Denials.Edits
	if found.ask != a.ID || found.edits != edits { // it is asked with every frame
		*found = endedAsk{ask: a.ID, edits: edits}
		for i := range v.data.Denials.Len() {
			if d := v.data.Denials.Newest(i); endsAsk(d, a) {
				found.denial = d.ID
				break
			}
		}
	}
	return v.data.Denials.Get(found.denial)
}

// endedAsk is which denial an ask ended in, as of an edit of the denials.
type endedAsk struct {
	ask, denial string
	edits       uint64
}

// endsAsk reports whether a denial is what an ask ended in.
func endsAsk(d *event.Denial, a *event.Ask) bool {
	return a.Reason != "" && d.Rule == a.Reason && d.Agent == a.Agent && d.Operation == a.Operation && d.Target == a.Target
}

// selectedRow is what is selected: in the place of an ask that was denied, the denial that it
// ended in, while the rule for that is looked at.
func (v *DenialsView) selectedRow() *inboxRow {
	row := v.inbox.get(v.list.Selected())
	if row == nil || row.ask == nil || v.ask.past.of != row.id() {
		return row
	}
	if d := v.data.Denials.Get(v.ask.past.denial); d != nil {
		v.ask.past.row = inboxRow{name: row.id(), denial: d}
		return &v.ask.past.row
	}
	return row
}

// closePast goes back to the denial and reports whether a rule was shown.
func (v *DenialsView) closePast() bool {
	open := v.ask.past.denial != ""
	v.ask.past = pastRule{}
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
	case v.ask.past.denial == d.ID:
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
	switch row := v.inbox.get(id); {
	case id == "":
		return
	case row != nil && row.ask != nil && v.ask.past.of == id:
		id = v.ask.past.denial
	case row != nil:
		return
	}
	if answered := askPrefix + event.PastID(id); v.inbox.get(answered) != nil {
		v.list.id = answered
	}
}
