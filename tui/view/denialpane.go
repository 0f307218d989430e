package view

import (
	"time"

	"openclaw/gateway/event"
	"openclaw/sandbox/policy"
)

// pane draws every field, and the config lines that would allow it beside them
// where there is room. In a narrow pane what refused and what would allow it
// come first.
func (v *DenialsView) pane(c *Canvas, d *event.Denial) {
	role := ""
	for i := range v.data.Agents {
		if v.data.Agents[i].Name == d.Agent {
			role = v.data.Agents[i].Role
		}
	}
	cure := advise(v.data.Words, d, v.data.Home, role)
	if c.Width() < 100 {
		v.refused(c, d)
		if cure.short != "" {
			fact(c, c.T("allow it"), cure.short)
		} else {
			fact(c, c.T("allow it"), cure.note)
		}
		v.who(c, d)
		v.seen(c, d)
		if cure.short != "" {
			fact(c, c.T("note"), cure.note)
		}
		return
	}
	width := c.Width() - 52
	left := c.Sub(0, width, paneRoom)
	v.refused(left, d)
	v.who(left, d)
	v.seen(left, d)
	right := c.Sub(1, c.Width()-width-2, paneRoom)
	cure.draw(right)
	for i := range max(left.Rows(), right.Rows()) {
		c.copyRow(left, i)
		c.To(width + 2)
		c.copyRow(right, i)
		c.End()
	}
}

// refused says what was refused, by which rule, and where that stands.
func (v *DenialsView) refused(c *Canvas, d *event.Denial) {
	c.Field(Faint, c.T("refused"), labelWidth)
	c.Put(Bad, c.Theme.Glyphs.No+" ")
	c.Put(Bold, d.Operation+" ")
	c.Wrap(Bold, tilde(d.Target, v.data.Home), labelWidth+1)
	rule := orDash(d.Rule)
	if d.Origin.BuiltIn == "" && d.Origin.Line > 0 {
		rule += "   " + base(d.Origin.File) + ":" + itoa(d.Origin.Line)
	}
	fact(c, c.T("rule"), rule)
}

// maxSaid bounds, in bytes, a command line in the pane beside the list.
const maxSaid = 160

// who says who tried it.
func (v *DenialsView) who(c *Canvas, d *event.Denial) {
	pid := c.T(", pid not known")
	if d.PID != 0 {
		pid = c.T(", pid %s", itoa(d.PID))
	}
	fact(c, c.T("program"), orDash(d.Program)+pid)
	if d.CommandLine != "" {
		said := d.CommandLine
		if !v.full {
			said = Printable(said, maxSaid) // enter shows all of it
		}
		fact(c, c.T("says"), c.T("%s   (the agent's own words)", said))
	}
	fact(c, c.T("agent"), c.T("%s, run %s", d.Agent, orDash(d.Run)))
}

// seen says where the rule stands in full, what enforced it, and how often.
func (v *DenialsView) seen(c *Canvas, d *event.Denial) {
	if d.Origin.BuiltIn == "" && d.Origin.Line > 0 {
		fact(c, c.T("key"), d.Origin.Key)
	} else {
		fact(c, c.T("from"), originText(c.Theme.Words, d.Origin))
	}
	fact(c, c.T("by"), mechanismText(c.Theme.Words, d.Mechanism))
	c.Field(Faint, c.T("seen"), labelWidth)
	c.PutInt(Bold, max(d.Count, 1))
	c.Put(Plain, " × ")
	c.Time(Plain, v.data.Local(d.First), time.TimeOnly)
	if d.Count > 1 {
		c.Put(Plain, c.T(" to "))
		c.Time(Plain, v.data.Local(d.Last), time.TimeOnly)
	}
	c.Put(Faint, ", ")
	c.Age(Faint, v.data.Since(d.Last), 0)
	c.Put(Faint, c.T(" ago"))
	c.End()
}

// draw is the advice in a pane of its own.
func (a *advice) draw(c *Canvas) {
	if len(a.lines) > 0 {
		c.Line(Faint, c.T("These lines in config.yaml would allow it:"))
		for _, line := range a.lines {
			c.Gap(2)
			c.Line(Plain, line)
		}
	}
	if a.note != "" {
		c.Wrap(Plain, a.note, 0)
	}
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// originText says where a rule stands.
func originText(w *Words, o policy.Origin) string {
	switch {
	case o.BuiltIn != "":
		return w.T("built in: %s", o.BuiltIn)
	case o.File != "" && o.Line > 0 && o.Key != "":
		return o.File + ":" + itoa(o.Line) + "  " + o.Key
	case o.File != "" && o.Line > 0:
		return o.File + ":" + itoa(o.Line)
	case o.Key != "":
		return o.Key
	}
	return orDash(o.File)
}

func mechanismText(w *Words, m string) string {
	switch m {
	case "gate":
		return w.T("gate (file system)")
	case "notify":
		return w.T("notify (system call)")
	case mechanismFilter:
		return w.T("filter (system call, whatever it names)")
	case "dns":
		return w.T("dns (name look-up)")
	case "egress":
		return w.T("egress (connection)")
	case "mount":
		return w.T("mount (not in the cage's file system)")
	}
	return orDash(m)
}

func originPlace(o policy.Origin) string {
	if o.File == "" || o.Line == 0 {
		return orDash(o.Key)
	}
	return o.File + ":" + itoa(o.Line)
}
