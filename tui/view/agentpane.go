package view

import (
	"openclaw/gateway/event"
)

func (v *AgentsView) pane(c *Canvas, a *event.Agent) {
	if a.Problem != "" {
		c.Field(Bad, c.T("problem"), labelWidth)
		c.Wrap(Plain, a.Problem, labelWidth+1)
	}
	for i := len(a.Runs) - 1; i >= 0; i-- {
		v.run(c, a, &a.Runs[i])
	}
	if len(a.Runs) == 0 {
		c.Line(Faint, c.T("Not run yet. {agents.start} starts it here; in another terminal:"))
		c.Line(Plain, c.T("  openclaw agent run %s -- COMMAND", a.Name))
	}
	p := a.Policy
	if full, ok := v.data.Details[a.Name]; ok {
		p = full.Policy
	}
	c.End()
	if p == nil {
		c.Line(Faint, c.T("policy: not loaded yet"))
		return
	}
	rows := v.rows(c.Theme.Words, p)
	v.used.count(v.data, a.Name, p, rows)
	drawPolicy(c, rows, p, a.Role, !v.whole && !v.full)
}

func (v *AgentsView) run(c *Canvas, a *event.Agent, r *event.Run) {
	live := r.Ended.IsZero()
	state := "running"
	if !live {
		state = "ended"
	}
	glyph, style := stateMark(c.Theme, state)
	c.Put(style, glyph)
	c.Gap(1)
	c.Put(Bold, c.T("run %s", r.ID))
	c.Put(Plain, " "+c.T(state))
	if r.Reduced() {
		c.Put(Bad, c.T(" in the reduced mode"))
	}
	if live {
		c.Put(Plain, c.T(", pid %s, for ", itoa(r.PID)))
		c.Age(Plain, v.data.Since(r.Started), 0)
	} else {
		c.Put(Plain, ", "+orDash(r.Exit)+", ")
		c.Age(Plain, v.data.Since(r.Ended), 0)
		c.Put(Plain, c.T(" ago"))
	}
	c.End()
	if text := terminalText(c.Theme.Words, r); text != "" {
		c.Gap(2)
		c.Field(Faint, c.T("terminal"), labelWidth)
		c.Wrap(Plain, text, labelWidth+3)
	}
	if len(r.Command) > 0 { // none: the gateway was started again, and the run's start is not on record
		c.Gap(2)
		c.Field(Faint, c.T("command"), labelWidth)
		command := CommandText(c.Theme.Words, r)
		if !v.full {
			command = Printable(command, maxSaid) // enter shows all of it
		}
		c.Wrap(Plain, command, labelWidth+3)
	}
	if r.Folder != "" {
		c.Gap(2)
		c.Field(Faint, c.T("began in"), labelWidth)
		c.Wrap(Plain, v.data.Short(r.Folder), labelWidth+3)
	}
	if !live {
		return
	}
	mechanisms(c, r.Mechanisms, c.T("not yet proven: the cage has not reported"))
	for _, w := range r.Warnings {
		c.Gap(2)
		c.Field(Warn, c.T("warning"), labelWidth)
		c.Wrap(Plain, w, labelWidth+3)
	}
	for _, n := range r.NeedsRun {
		c.Gap(2)
		c.Field(Warn, c.T("new run"), labelWidth)
		c.Wrap(Plain, c.T("needed for: %s", n), labelWidth+3)
	}
	if a.Policy != nil && r.Policy != "" && a.Policy.Version != r.Policy && len(r.NeedsRun) == 0 {
		c.Gap(2)
		c.Field(Warn, c.T("policy"), labelWidth)
		c.Wrap(Plain, c.T("this run has version %s, the config now gives %s", r.Policy, a.Policy.Version), labelWidth+3)
	}
}

// mechanisms draws what holds in a few wrapped rows and each thing that does not
// hold in a row of its own, with its fix.
func mechanisms(c *Canvas, list []event.Mechanism, none string) {
	c.Gap(2)
	c.Field(Faint, c.T("enforced"), labelWidth)
	if len(list) == 0 {
		c.Line(Faint, none)
		return
	}
	for _, m := range list {
		if !m.Enforced {
			continue
		}
		if c.Room() < Width(m.Name)+3 {
			c.End()
			c.Gap(labelWidth + 3)
		}
		c.Put(Good, c.Theme.Glyphs.Yes)
		c.Gap(1)
		c.Put(Plain, m.Name)
		c.Gap(2)
	}
	c.End()
	for _, m := range list {
		if m.Enforced {
			continue
		}
		c.Gap(2)
		c.Put(Bad, c.Theme.Glyphs.No)
		c.Gap(1)
		text := c.T("%s: not enforced", m.Name)
		if m.Detail != "" {
			text += " (" + m.Detail + ")"
		}
		if m.Fix != "" {
			text += c.T(". Fix: %s", m.Fix)
		}
		c.Wrap(Plain, text, 4)
	}
}
