package view

import (
	"strings"

	"openclaw/gateway/event"
)

// OverviewView is the whole at a glance: what needs the person, what this
// machine can enforce, the agents, and the newest events.
type OverviewView struct {
	data *Data
	list bool // the mechanisms are listed, not only counted
}

// NewOverview returns the view.
func NewOverview(d *Data) *OverviewView { return &OverviewView{data: d} }

// Captures reports whether typed text goes to the view.
func (v *OverviewView) Captures() bool { return false }

// Key is never called: the view takes no text.
func (v *OverviewView) Key(Key) Action { return Action{} }

// Do answers an action.
func (v *OverviewView) Do(a ID) (Action, bool) {
	if a == ActMachine {
		v.list = !v.list
	}
	return Action{}, a == ActMachine
}

// need is one thing that waits for the person.
type need struct {
	done bool
	bad  bool
	text string
	key  string
}

// needs lists what waits: the three steps of a first run, and what is wrong.
func (v *OverviewView) needs() []need {
	d := v.data
	var list []need
	switch s := &d.Store; {
	case s.State == "" || s.State == "unlocked":
	case s.Backend == "" && s.State != "failed":
		list = append(list, need{bad: true, text: v.data.T("no keychain here: create the encrypted vault"), key: v.data.Key(OpenView(Secrets))})
	default:
		list = append(list, need{bad: true, text: v.data.T("the %s is %s", orDash(s.Backend), v.data.T(s.State)), key: v.data.Key(OpenView(Secrets))})
	}
	ran := false
	for i := range d.Agents {
		ran = ran || len(d.Agents[i].Runs) > 0
	}
	name := v.data.T("NAME")
	if len(d.Agents) > 0 {
		name = d.Agents[0].Name
	}
	if steps := [...]need{
		{done: d.HasProviderKey(), text: v.data.T("store a provider key"), key: v.data.Key(OpenView(Secrets))},
		{done: len(d.Agents) > 0, text: v.data.T("add an agent to %s", base(orDash(d.Config.Path))), key: v.data.Key(OpenView(Agents))},
		{done: ran, text: v.data.T("start it, or openclaw agent run %s -- CMD", name), key: v.data.Key(OpenView(Agents))},
	}; !steps[0].done || !steps[1].done || !steps[2].done {
		for i, s := range steps {
			if i == 0 && d.Store.State == "locked" {
				continue // what a locked store holds is not known
			}
			s.text = itoa(i+1) + ". " + s.text
			list = append(list, s)
		}
	}
	if n, first := d.Waiting(); n > 0 {
		list = append([]need{{bad: true, text: v.data.T("%s, the first has %s left", v.data.N(n, "held request"), string(AppendLeft(nil, first))), key: v.data.Key(ActNextAsk)}}, list...)
	}
	if c := &d.Config; c.Rejected {
		list = append(list, need{bad: true, text: v.data.T("config on disk is rejected, %s", v.data.N(len(c.Problems), "problem")), key: v.data.Key(OpenView(Config))})
	}
	for i := range d.Secrets {
		if s := &d.Secrets[i]; s.Missing && d.HasProviderKey() {
			list = append(list, need{text: v.data.T("no key for %s (secret %s)", orDash(strings.Join(s.UsedBy, ", ")), s.Name), key: v.data.Key(OpenView(Secrets))})
		}
	}
	for i := range d.Agents {
		a := &d.Agents[i]
		switch {
		case a.State == "invalid":
			list = append(list, need{bad: true, text: v.data.T("agent %s: %s", a.Name, orDash(a.Problem)), key: v.data.Key(OpenView(Agents))})
		case needsRun(a):
			list = append(list, need{text: v.data.T("agent %s: a policy change needs a new run", a.Name), key: v.data.Key(OpenView(Agents))})
		}
	}
	return list
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return itoa(n) + " " + word + "s"
}

// Draw paints the view.
func (v *OverviewView) Draw(c *Canvas) {
	needs := v.needs()
	graphs := min(max(c.Left()-12, 0)/4, 2) // rows of them
	if c.Width() >= wide {
		width := c.Width() * 48 / 100
		left := c.Sub(0, width, max(c.Left()/2, 4))
		v.drawNeeds(left, needs)
		right := c.Sub(1, c.Width()-width-1, max(c.Left()/2, 4))
		right.Rule(c.T("This machine"), Bold)
		v.drawMachine(right)
		if graphs = 0; right.Left() > len(v.data.trends()) {
			v.data.drawTrends(right)
		}
		both := c.Sub(2, c.Width(), max(left.Rows(), right.Rows()))
		both.Beside(left, right, 0)
		c.Copy(both, 0)
	} else {
		if len(needs) > 0 {
			upper := c.Sub(0, c.Width(), min(len(needs)+1, c.Left()/3))
			v.drawNeeds(upper, needs)
			c.Copy(upper, 0)
		}
		v.drawMachine(c)
	}
	v.data.drawGraphs(c, graphs)
	v.drawAgents(c)
	v.drawRecent(c)
}

func (v *OverviewView) drawNeeds(c *Canvas, needs []need) {
	c.Rule(c.T("Needs you: press the key at the right"), Bold)
	if len(needs) == 0 {
		c.Gap(1)
		c.Put(Good, c.Theme.Glyphs.Yes)
		c.Line(Plain, c.T(" nothing waits for you"))
	}
	for _, n := range needs {
		c.Gap(1)
		switch {
		case n.done:
			c.Put(Good, c.Theme.Glyphs.Yes)
		case n.bad:
			c.Put(Bad, "!")
		default:
			c.Put(Bold, c.Theme.Glyphs.Off)
		}
		c.Gap(1)
		style := Plain
		if n.done {
			style = Faint
		}
		room := c.Room() - Width(n.key) - 2
		c.Field(style, n.text, room)
		if !n.done {
			c.Put(Bold, n.key)
		}
		c.End()
	}
}

// drawMachine says what this machine can enforce: one row when all of it was
// proven, a row for each thing that is missing, and all of it on demand.
func (v *OverviewView) drawMachine(c *Canvas) {
	list := v.data.Overview.Machine
	proven := 0
	for _, m := range list {
		if m.Enforced {
			proven++
		}
	}
	c.Gap(1)
	switch {
	case len(list) == 0:
		c.Line(Faint, c.T("what it can enforce is not probed yet"))
		return
	case proven == len(list):
		c.Put(Good, c.Theme.Glyphs.Yes)
		c.Put(Plain, c.T(" %s, all proven here", c.N(proven, "mechanism")))
	default:
		c.Put(Bad, c.Theme.Glyphs.No)
		c.Put(Plain, c.T(" %s of %s cannot be enforced here", itoa(len(list)-proven), c.N(len(list), "mechanism")))
	}
	c.Gap(2)
	c.Put(Bold, c.Key(ActMachine))
	if v.list {
		c.Put(Faint, c.T(" folds them"))
	} else {
		c.Put(Faint, c.T(" lists them"))
	}
	c.End()
	for _, m := range list {
		if m.Enforced {
			continue
		}
		c.Gap(1)
		c.Put(Bad, c.Theme.Glyphs.No)
		c.Gap(1)
		text := m.Name + ": " + orDash(m.Detail)
		if m.Fix != "" {
			text = c.T("%s: no; fix: %s", m.Name, m.Fix)
		}
		c.Wrap(Plain, text, 3)
	}
	for _, m := range list {
		if !v.list || !m.Enforced {
			continue
		}
		c.Gap(1)
		c.Put(Good, c.Theme.Glyphs.Yes)
		c.Gap(1)
		c.Field(Plain, m.Name, 18)
		c.Line(Faint, m.Detail)
	}
}

func (v *OverviewView) drawAgents(c *Canvas) {
	agents := v.data.Agents
	c.Rule(c.T("Agents"), Bold)
	if len(agents) == 0 {
		c.Gap(1)
		if file := tilde(orDash(v.data.Config.Path), v.data.Home); v.data.ReadOnly {
			c.Line(Plain, c.T("none yet: add one to %s; it is read as soon as it is saved", file))
		} else {
			c.Line(Plain, c.T("none yet: {view.open.Agents} {agents.add} adds one; or write it into %s", file))
		}
		return
	}
	c.Gap(1)
	c.Field(Faint, c.T("AGENT"), nameWidth(c, agents, 64))
	c.Field(Faint, c.T("STATE"), 9)
	c.Put(Faint, c.T("RUNS CONNS DENIED"))
	c.Gap(2)
	if c.Room() >= 20 {
		c.Put(Faint, c.T("ENFORCED IN ITS CAGE"))
	} else {
		c.Put(Faint, c.T("ENFORCED"))
	}
	c.End()
	most := max(c.Left()/2, 2)
	for i := range agents {
		if i == most-1 && len(agents) > most {
			c.Gap(1)
			c.Line(Faint, c.T("%s more in view {view.open.Agents}", itoa(len(agents)-i)))
			break
		}
		v.agent(c, &agents[i])
	}
}

func (v *OverviewView) agent(c *Canvas, a *event.Agent) {
	c.Gap(1)
	c.Field(Plain, a.Name, nameWidth(c, v.data.Agents, 64))
	glyph, style := stateMark(c.Theme, a.State)
	c.Put(style, glyph)
	c.Gap(1)
	c.Field(Plain, c.T(a.State), 7)
	c.Number(Plain, Running(a), 4)
	c.Number(Plain, a.Conns, 6)
	c.Number(Plain, a.Denied, 7)
	c.Gap(2)
	v.proven(c, a)
	c.End()
}

// proven draws what the newest live run's own self-test found.
func (v *OverviewView) proven(c *Canvas, a *event.Agent) {
	for i := len(a.Runs) - 1; i >= 0; i-- {
		r := &a.Runs[i]
		if !r.Ended.IsZero() {
			continue
		}
		if len(r.Mechanisms) == 0 {
			c.Put(Plain, c.T("not yet proven"))
			return
		}
		holds := 0
		for _, m := range r.Mechanisms {
			if m.Enforced {
				holds++
			} else {
				c.Put(Bad, c.Theme.Glyphs.No)
				c.Put(Plain, " "+m.Name+"  ")
			}
		}
		c.Put(Good, c.Theme.Glyphs.Yes)
		c.Put(Plain, c.T(" %s of %s proven", itoa(holds), itoa(len(r.Mechanisms))))
		names := ": "
		for _, m := range r.Mechanisms {
			if m.Enforced && c.Room() > Width(names)+Width(m.Name) {
				c.Put(Faint, names+m.Name)
				names = ", "
			}
		}
		return
	}
	if n := len(a.Runs); n > 0 {
		c.Put(Faint, c.T("last run: %s, ", orDash(a.Runs[n-1].Exit)))
		c.Age(Faint, v.data.Since(a.Runs[n-1].Ended), 0)
		c.Put(Faint, c.T(" ago"))
		return
	}
	if a.Problem != "" {
		c.Put(Plain, a.Problem)
		return
	}
	c.Put(Faint, c.T("not run yet"))
}

func (v *OverviewView) drawRecent(c *Canvas) {
	if c.Left() < 2 {
		return
	}
	c.Rule(c.T("Recent events, newest first"), Bold)
	recent := v.data.Recent
	drawn := false
	for n := recent.Next(); n > recent.First() && c.Left() > 0; n-- {
		if e := recent.At(n - 1); !routine(e) {
			v.event(c, e)
			drawn = true
		}
	}
	if !drawn {
		c.Gap(1)
		c.Line(Faint, c.T("none yet; refusals, calls, runs and config changes show here as they happen"))
	}
}

// routine reports whether an event is a screen or a command of the person's own
// that comes or goes: view 2 shows those.
func routine(e *event.Event) bool {
	n := e.Connection
	return n != nil && (n.Kind == "unix" || n.Kind == "ws") && n.State != "refused"
}
