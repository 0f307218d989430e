package view

import (
	"cmp"
	"strings"
	"time"

	"openclaw/gateway/event"
)

// DenialsView is the inbox: requests that are held for an answer first, oldest
// first, and below them what was answered or refused, newest first. Nothing that
// arrives selects a row or answers one.
type DenialsView struct {
	data *Data
	browse
	inbox inbox
	ask   asking

	advised struct { // see allowable
		denial string
		rule   bool
	}
}

// NewDenials returns the view.
func NewDenials(d *Data) *DenialsView {
	v := &DenialsView{data: d, browse: browse{saved: &d.Filters, keys: []string{"agent", "kind", "state", "op", "target", "program", "rule", "class", "run", sinceKey}}}
	v.ask.marks = map[string]bool{}
	v.inOrder()
	return v
}

// inOrder says how the rows can be sorted. What waits for an answer stands above the
// rest however they are, unless the list stands still.
func (v *DenialsView) inOrder() {
	row := v.inbox.row
	v.order.rows = v.inbox.len
	v.order.shape = v.inbox.shape
	v.order.edits, v.order.memo = v.inbox.edits, func(i int) *memo { return row(i).memo }
	v.order.rowID = func(i int) string { return row(i).id() }
	v.order.above = func(i int) bool { return i < len(v.inbox.waits) }
	by := func(text func(r *inboxRow) string) func(i, j int) int {
		return func(i, j int) int { return strings.Compare(text(row(i)), text(row(j))) }
	}
	v.order.sorts = []sorting{
		{"AGENT", by(func(r *inboxRow) string { agent, _ := r.who(); return agent })},
		{"TARGET", by(func(r *inboxRow) string { _, target := r.who(); return target })},
		{"OP", by((*inboxRow).operation)},
		{"count", func(i, j int) int { return cmp.Compare(row(j).count(), row(i).count()) }},
	}
}

// Captures reports whether typed text goes to the view.
func (v *DenialsView) Captures() bool { return v.ask.step != askNone || v.captures() }

// Key takes typed text.
func (v *DenialsView) Key(k Key) Action {
	if v.ask.step != askNone {
		return v.askKey(k)
	}
	v.key(k)
	return Action{}
}

// Do answers an action.
func (v *DenialsView) Do(a ID) (Action, bool) {
	if action, used := v.decide(a); used {
		return action, true
	}
	if a == ActEdit {
		return Action{Verb: VerbEdit, Count: v.inbox.get(v.list.Selected()).line()}, true
	}
	if a == ActBack && !v.full && !v.inPane && v.closePast() {
		return Action{}, true
	}
	return Action{}, v.do(a, v.id)
}

func (v *DenialsView) id(i int) string { return v.inbox.row(v.at(i)).id() }

func (v *DenialsView) rowText(i int, yield func(key, value string) bool) { v.inbox.row(i).text(yield) }

// refresh brings the rows up to date. The answer to a denial takes its place.
func (v *DenialsView) refresh() {
	if v.inbox.update(v.data) && v.order.on() {
		for denial, a := range v.inbox.past {
			if d := v.data.Denials.Get(denial); d != nil && v.inbox.told(d) {
				v.order.rename(denial, askPrefix+a.ID)
			}
		}
	}
}

func denialText(d *event.Denial, yield func(key, value string) bool) {
	_ = yield("agent", d.Agent) && yield("state", "denied") && yield("kind", string(d.Class)) && yield("op", d.Operation) && yield("target", d.Target) && yield("program", d.Program) &&
		yield("rule", d.Rule) && yield("class", string(d.Class)) && yield("run", d.Run) && yield("", d.CommandLine)
}

// Draw paints the view.
func (v *DenialsView) Draw(c *Canvas) {
	v.refresh()
	v.follow()
	l := layout{
		title: c.T("held requests, then what was refused"), total: v.inbox.len(), share: 62, id: v.id,
		empty: c.T("Nothing waits and nothing was denied. What an agent's cage refuses or holds shows here within a second: agent, program, path or host, and the rule. Start one in another terminal: openclaw agent run NAME -- COMMAND"),
		head:  v.head,
	}
	if n := len(v.inbox.waits); n > 0 {
		l.title = c.T("%s first", c.N(n, "held request"))
	}
	v.second = v.data.Now.Unix()
	v.old = func(i int) time.Duration { return v.data.Since(v.inbox.row(i).last()) }
	l.count = v.count(l.total, v.rowText)
	l.row = func(c *Canvas, i int, _ bool) {
		if row := v.inbox.row(v.at(i)); row.ask != nil {
			v.askRow(c, row)
		} else {
			v.row(c, row.denial)
		}
	}
	l.pane = func(c *Canvas) {
		switch row := v.selectedRow(); {
		case row == nil:
		case v.ask.why && row.denial != nil && row.denial.Mechanism == mechanismFilter:
			noRule(c, mechanismFilter) // what was asked for is no path and no host
		case v.ask.why:
			agent, target := row.who()
			v.data.trace(c, agent, row.class(), target)
		case row.ask != nil:
			v.askPane(c, row.ask)
		default:
			v.pane(c, row.denial)
		}
	}
	l.foot = func(c *Canvas) {
		switch row := v.selectedRow(); {
		case row == nil:
		case row.ask != nil:
			v.askFoot(c, row.ask)
		default:
			v.pastFoot(c, row.denial)
		}
	}
	v.list.settle(l.count, v.id)
	v.looks()
	l.need = v.ruleRows()
	l.name = func() string {
		row := v.selectedRow()
		switch {
		case row == nil:
			return ""
		case row.ask != nil:
			return c.T("ask %s: %s %s", row.ask.ID, row.ask.Operation, v.data.Short(row.ask.Target))
		}
		return c.T("denial %s", row.denial.ID)
	}
	v.draw(c, &l)
	v.looked()
}

// The columns leave in this order when the list gets narrow, so that the target can
// be read: rule, pid, program, agent. State, time, operation, target and count
// always stay.
func denialColumns(width int) (agent, pid, program, target, rule int) {
	const least = 25 // cells of a target, "registry.example.test:443"
	target = width - 3 - stateWidth - 1 - 9 - 9 - 5
	take := func(cells, least int) int {
		if target-cells-1 < least {
			return 0
		}
		target -= cells + 1
		return cells
	}
	if agent = take(9, 12); agent > 0 {
		program = take(9, least)
	}
	if program > 0 {
		pid = take(6, least)
	}
	if pid > 0 {
		rule = take(24, least)
	}
	return agent, pid, program, max(target, 1), rule
}

// stateWidth holds a glyph, a blank and the longest word of a state.
const stateWidth = 8

func (v *DenialsView) head(c *Canvas) {
	agent, pid, program, target, rule := denialColumns(c.Width())
	c.Field(Faint, c.T("STATE"), stateWidth)
	c.Field(Faint, c.T("TIME"), 8)
	if agent > 0 {
		c.Field(Faint, c.T("AGENT"), agent)
	}
	if pid > 0 {
		c.Field(Faint, c.T("   PID"), pid)
	}
	if program > 0 {
		c.Field(Faint, c.T("PROGRAM"), program)
	}
	c.Field(Faint, c.T("OP"), 8)
	c.Field(Faint, c.T("TARGET"), target)
	if rule > 0 {
		c.Field(Faint, c.T("RULE"), rule)
	}
	c.Put(Faint, "   N")
}

func (v *DenialsView) row(c *Canvas, d *event.Denial) {
	v.cells(c, &cells{
		glyph: c.Theme.Glyphs.No, style: Bad, word: c.T("deny"), at: d.Last, agent: d.Agent, pid: d.PID, program: d.Program,
		op: d.Operation, target: d.Target, rule: d.Rule, count: d.Count,
	})
}

// cells is what one row of the list says.
type cells struct {
	glyph, word      string
	style            Style
	at               time.Time
	left             bool // at is a deadline: show what is left until then
	agent            string
	pid              int
	program          string
	op, target, rule string
	count            int
}

func (v *DenialsView) cells(c *Canvas, r *cells) {
	agent, pid, program, target, rule := denialColumns(c.Width())
	c.Put(r.style, r.glyph)
	c.Gap(1)
	word := Plain
	if r.style == Warn { // it waits for the person, in the terminal's own colour
		word = Bold
	}
	c.Field(word, r.word, stateWidth-2)
	switch {
	case r.left:
		c.Left8(Bold, r.at.Sub(v.data.Now))
	case r.at.After(v.data.Now): // nobody counts down without a gateway
		c.Put(Plain, "-")
		c.Gap(7)
	default:
		c.Time(Plain, v.data.Local(r.at), time.TimeOnly)
	}
	c.Gap(1)
	if agent > 0 {
		c.Field(Plain, r.agent, agent)
	}
	if pid > 0 {
		c.Number(Plain, r.pid, pid)
		c.Gap(1)
	}
	if program > 0 {
		c.Field(Plain, base(r.program), program)
	}
	c.Field(Plain, r.op, 8)
	c.PathField(Plain, r.target, v.data.Home, target)
	if rule > 0 {
		c.Field(Plain, r.rule, rule)
	}
	c.Count(Plain, r.count, 4)
}
