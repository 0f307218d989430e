package view

import (
	"time"

	"openclaw/gateway/event"
)

// OverviewView is the whole at a glance: what needs the person, what this
// machine can enforce, the agents, and the newest events.
type OverviewView struct{ data *Data }

// NewOverview returns the view.
func NewOverview(d *Data) *OverviewView { return &OverviewView{data: d} }

// Captures reports whether typed text goes to the view.
func (v *OverviewView) Captures() bool { return false }

// Key is never called: the view takes no text.
func (v *OverviewView) Key(Key) Action { return Action{} }

// Do answers an action.
func (v *OverviewView) Do(ID) (Action, bool) { return Action{}, false }

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
		list = append(list, need{bad: true, text: "no keychain here: create the encrypted vault", key: "6"})
	default:
		list = append(list, need{bad: true, text: "the " + orDash(s.Backend) + " is " + s.State, key: "6"})
	}
	ran := false
	for i := range d.Agents {
		ran = ran || len(d.Agents[i].Runs) > 0
	}
	name := "NAME"
	if len(d.Agents) > 0 {
		name = d.Agents[0].Name
	}
	if steps := [...]need{
		{done: d.HasProviderKey(), text: "store a provider key", key: "6"},
		{done: len(d.Agents) > 0, text: "add an agent to the config", key: "8"},
		{done: ran, text: "openclaw agent run " + name + " -- CMD", key: "in a shell"},
	}; !steps[0].done || !steps[1].done || !steps[2].done {
		for i, s := range steps {
			if i == 0 && d.Store.State == "locked" {
				continue // what a locked store holds is not known
			}
			s.text = itoa(i+1) + ". " + s.text
			list = append(list, s)
		}
	}
	if c := &d.Config; c.Rejected {
		list = append(list, need{bad: true, text: "config on disk is rejected, " + plural(len(c.Problems), "problem"), key: "8"})
	}
	for i := range d.Secrets {
		if s := &d.Secrets[i]; s.Missing && d.HasProviderKey() {
			list = append(list, need{bad: true, text: "secret " + s.Name + " is missing", key: "6"})
		}
	}
	for i := range d.Agents {
		a := &d.Agents[i]
		switch {
		case a.State == "invalid":
			list = append(list, need{bad: true, text: "agent " + a.Name + ": " + orDash(a.Problem), key: "4"})
		case needsRun(a):
			list = append(list, need{text: "agent " + a.Name + ": a policy change needs a new run", key: "4"})
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
	if c.Width() >= wide {
		width := c.Width() * 45 / 100
		height := min(max(len(needs), len(v.data.Overview.Machine), 1)+1, c.Left()/2)
		left := c.Sub(0, width, height)
		v.drawNeeds(left, needs)
		right := c.Sub(1, c.Width()-width-1, height)
		v.drawMachine(right)
		height = max(left.Rows(), right.Rows())
		both := c.Sub(2, c.Width(), height)
		both.Beside(left, right, 0)
		c.Copy(both, 0)
	} else {
		if len(needs) > 0 {
			upper := c.Sub(0, c.Width(), min(len(needs)+1, c.Left()/3))
			v.drawNeeds(upper, needs)
			c.Copy(upper, 0)
		}
		v.drawMachineShort(c)
	}
	v.drawAgents(c)
	v.drawRecent(c)
}

func (v *OverviewView) drawNeeds(c *Canvas, needs []need) {
	c.Rule("Needs you", Bold)
	if len(needs) == 0 {
		c.Gap(1)
		c.Put(Good, c.Theme.Glyphs.Yes)
		c.Line(Plain, " nothing waits for you")
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

func (v *OverviewView) drawMachine(c *Canvas) {
	c.Rule("What this machine can enforce", Bold)
	if len(v.data.Overview.Machine) == 0 {
		c.Gap(1)
		c.Line(Faint, "not probed yet")
	}
	for _, m := range v.data.Overview.Machine {
		c.Gap(1)
		if m.Enforced {
			c.Put(Good, c.Theme.Glyphs.Yes)
		} else {
			c.Put(Bad, c.Theme.Glyphs.No)
		}
		c.Gap(1)
		c.Field(Plain, m.Name, 17)
		if m.Enforced {
			c.Put(Faint, m.Detail)
			c.End()
			continue
		}
		text := "no: " + orDash(m.Detail)
		if m.Fix != "" {
			text = "no; fix: " + m.Fix
		}
		c.Wrap(Plain, text, 21)
	}
}

func (v *OverviewView) drawMachineShort(c *Canvas) {
	c.Rule("This machine enforces", Bold)
	c.Gap(1)
	list := v.data.Overview.Machine
	if len(list) == 0 {
		c.Line(Faint, "not probed yet")
		return
	}
	for _, m := range list {
		if !m.Enforced && m.Fix != "" {
			continue // has a row of its own below
		}
		if c.Room() < Width(m.Name)+2 {
			c.End()
			c.Gap(1)
		}
		if m.Enforced {
			c.Put(Good, c.Theme.Glyphs.Yes)
		} else {
			c.Put(Bad, c.Theme.Glyphs.No)
		}
		c.Gap(1)
		c.Put(Plain, m.Name)
		c.Gap(2)
	}
	c.End()
	for _, m := range list {
		if !m.Enforced && m.Fix != "" {
			c.Gap(1)
			c.Put(Bad, c.Theme.Glyphs.No)
			c.Gap(1)
			c.Line(Plain, m.Name+": no; fix: "+m.Fix)
		}
	}
}

func (v *OverviewView) drawAgents(c *Canvas) {
	agents := v.data.Agents
	c.Rule("Agents", Bold)
	if len(agents) == 0 {
		c.Gap(1)
		c.Line(Plain, "none yet: add one to "+orDash(v.data.Config.Path))
		return
	}
	c.Gap(1)
	c.Field(Faint, "AGENT", 12)
	c.Field(Faint, "STATE", 9)
	c.Put(Faint, "RUNS CONNS DENIED")
	c.Gap(2)
	if c.Room() >= 20 {
		c.Put(Faint, "ENFORCED IN ITS CAGE")
	} else {
		c.Put(Faint, "ENFORCED")
	}
	c.End()
	most := max(c.Left()/2, 2)
	for i := range agents {
		if i == most-1 && len(agents) > most {
			c.Gap(1)
			c.Line(Faint, itoa(len(agents)-i)+" more in view 4")
			break
		}
		v.agent(c, &agents[i])
	}
}

func (v *OverviewView) agent(c *Canvas, a *event.Agent) {
	c.Gap(1)
	c.Field(Plain, a.Name, 12)
	glyph, style := stateMark(c.Theme, a.State)
	c.Put(style, glyph)
	c.Gap(1)
	c.Field(Plain, a.State, 7)
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
			c.Put(Plain, "not yet proven")
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
		c.Put(Plain, " "+itoa(holds)+" of "+itoa(len(r.Mechanisms))+" proven")
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
		c.Put(Faint, "last run: "+orDash(a.Runs[n-1].Exit)+", ")
		c.Age(Faint, v.data.Since(a.Runs[n-1].Ended), 0)
		c.Put(Faint, " ago")
		return
	}
	if a.Problem != "" {
		c.Put(Plain, a.Problem)
		return
	}
	c.Put(Faint, "not run yet")
}

func (v *OverviewView) drawRecent(c *Canvas) {
	if c.Left() < 2 {
		return
	}
	c.Rule("Recent events, newest first", Bold)
	recent := v.data.Recent
	if recent.Len() == 0 {
		c.Gap(1)
		c.Line(Faint, "none since this screen opened")
		return
	}
	for n := recent.Next(); n > recent.First() && c.Left() > 0; n-- {
		v.event(c, recent.At(n-1))
	}
}

func (v *OverviewView) event(c *Canvas, e *event.Event) {
	g := &c.Theme.Glyphs
	line := func(st Style, glyph, word, who string) {
		c.Gap(1)
		c.Time(Faint, v.data.Local(e.Time), time.TimeOnly)
		c.Gap(1)
		c.Put(st, glyph)
		c.Gap(1)
		c.Field(Plain, word, 7)
		if who != "" {
			c.Field(Plain, who, 9)
		}
	}
	switch {
	case e.Denial != nil:
		d := e.Denial
		line(Bad, g.No, "deny", d.Agent)
		c.Field(Plain, d.Operation, 8)
		rest := c.Room()
		if rest > 60 {
			rest = rest * 55 / 100
		}
		c.FieldMiddle(Plain, d.Target, min(rest, max(Width(d.Target), 12)))
		if d.Count > 1 {
			c.Put(Plain, "×"+itoa(d.Count)+" ")
		}
		c.Put(Faint, d.Rule)
	case e.Connection != nil:
		n := e.Connection
		glyph, style := stateMark(c.Theme, n.State)
		line(style, glyph, n.State, orDash(n.Agent))
		c.Field(Plain, n.Kind, 8)
		c.Put(Plain, n.Route)
		if n.Detail != "" {
			c.Gap(2)
			c.Put(Faint, n.Detail)
		}
	case e.Agent != nil:
		glyph, style := stateMark(c.Theme, e.Agent.State)
		line(style, glyph, "agent", e.Agent.Name)
		c.Put(Plain, e.Agent.State)
		if e.Agent.Problem != "" {
			c.Put(Plain, ": "+e.Agent.Problem)
		}
	case e.Config != nil:
		line(Plain, g.Dot, "config", "-")
		if e.Config.Rejected {
			c.Put(Bad, g.No)
			c.Put(Plain, " rejected, "+plural(len(e.Config.Problems), "problem")+"; #"+itoa(e.Config.Version)+" stays active")
		} else {
			c.Put(Plain, "#"+itoa(e.Config.Version)+" active, "+plural(len(e.Config.Changes), "change"))
		}
	case e.Secret != nil:
		line(Plain, g.Dot, "secret", "-")
		word := " stored"
		if e.Secret.Deleted {
			word = " deleted"
		}
		c.Put(Plain, e.Secret.Name+word)
	case e.Notice != nil:
		line(Plain, g.Dot, e.Notice.Level, "-")
		c.Put(Plain, e.Notice.Text)
	default:
		return
	}
	c.End()
}
