package view

import (
	"time"

	"openclaw/gateway/event"
)

// event draws one recent event.
func (v *OverviewView) event(c *Canvas, e *event.Event) {
	g := &c.Theme.Glyphs
	line := func(st Style, glyph, word, who string) {
		c.Gap(1)
		c.Time(Faint, v.data.Local(e.Time), time.TimeOnly)
		c.Gap(1)
		c.Put(st, glyph)
		c.Gap(1)
		bold := Plain
		if st == Warn && e.Ask != nil { // it waits for the person
			bold = Bold
		}
		c.Field(bold, word, 7)
		if who != "" {
			c.Field(Plain, who, 9)
		}
	}
	switch {
	case e.Denial != nil:
		d := e.Denial
		line(Bad, g.No, c.T("deny"), d.Agent)
		c.Field(Plain, d.Operation, 8)
		const times, rule = 6, 32
		target := c.Room() - times - 1
		if target >= 2*rule {
			target -= rule
		}
		c.PathField(Plain, d.Target, v.data.Home, target)
		if d.Count > 1 {
			c.Put(Plain, "×")
			c.PutInt(Plain, d.Count)
		}
		if c.Room() > rule {
			c.To(c.Width() - rule)
			c.Put(Faint, d.Rule)
		}
	case e.Ask != nil:
		a := e.Ask
		glyph, style, word := askWord(c.Theme, a)
		line(style, glyph, word, a.Agent)
		c.Field(Plain, a.Operation, 8)
		c.PathField(Plain, a.Target, v.data.Home, max(c.Room()-40, 16))
		if c.Room() > 0 && a.Reason != "" {
			c.Put(Faint, a.Reason)
		}
	case e.Connection != nil:
		n := e.Connection
		glyph, style := stateMark(c.Theme, n.State)
		line(style, glyph, c.T(n.State), orDash(n.Agent))
		c.Field(Plain, n.Kind, 8)
		c.Put(Plain, n.Route)
		if n.Detail != "" {
			c.Gap(2)
			c.Put(Faint, n.Detail)
		}
	case e.Agent != nil:
		glyph, style := stateMark(c.Theme, e.Agent.State)
		line(style, glyph, c.T("agent"), e.Agent.Name)
		c.Put(Plain, c.T(e.Agent.State))
		if e.Agent.Problem != "" {
			c.Put(Plain, ": "+e.Agent.Problem)
		}
	case e.Config != nil:
		line(Plain, g.Dot, c.T("config"), "-")
		if e.Config.Rejected {
			c.Put(Bad, g.No)
			c.Put(Plain, c.T(" rejected, %s; #%s stays active", c.N(len(e.Config.Problems), "problem"), itoa(e.Config.Version)))
		} else {
			c.Put(Plain, c.T("#%s active, %s", itoa(e.Config.Version), c.N(len(e.Config.Changes), "change")))
		}
	case e.Secret != nil:
		line(Plain, g.Dot, c.T("secret"), "-")
		word := c.T(" stored")
		if e.Secret.Deleted {
			word = c.T(" deleted")
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
