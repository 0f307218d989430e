package tui

import (
	"strconv"

	"openclaw/tui/view"
)

// quitKey answers the question that q asks.
func (s *screen) quitKey(k view.Key) {
	name := k.Name
	if len(k.Text) == 1 && !k.Paste {
		name = string(k.Text[0])
	}
	switch name {
	case "l", "enter", "q", "ctrl+c":
		s.quit = true
	case "s":
		if !s.data.ReadOnly && s.data.Link.Up {
			s.quit, s.outcome.StopGateway = true, true
		}
	case "esc", "n":
		s.over = overlayNone
	}
}

// drawQuit says what is running and what can be done about it.
func (s *screen) drawQuit(c *view.Canvas) {
	d := s.data
	c.Rule(c.T("Quit"), view.Bold)
	c.Gap(1)
	if !d.Link.Up {
		text := c.T("The gateway does not answer; openclaw tui starts it anew.")
		if d.Elsewhere {
			text = c.T("The gateway does not answer; it runs elsewhere, and is started there.")
		}
		c.Put(view.Plain, text)
	} else {
		c.Put(view.Plain, c.T("The gateway runs (pid %s)", strconv.Itoa(d.Overview.PID)))
		for i := range d.Agents {
			if n := view.Running(&d.Agents[i]); n > 0 {
				c.Put(view.Plain, c.T(", agent %s (%s)", d.Agents[i].Name, strconv.Itoa(n)))
			}
		}
		if others := d.Overview.Connections - 1; others > 0 { // one is this screen
			c.Put(view.Plain, c.T(", %s more connected", strconv.Itoa(others)))
		}
		c.Put(view.Plain, ".")
	}
	c.End()
	c.Gap(1)
	c.Line(view.Faint, c.T("Agents keep their cages either way; without a gateway model calls fail."))
	if n, _ := d.Waiting(); n > 0 && d.Link.Up {
		c.Gap(1)
		c.Put(view.Bold, c.T("waiting for an answer: %s; what nobody answers is denied", c.N(n, "held request")))
	}
	c.End()
	c.Gap(1)
	leave := c.T(" l  leave the gateway running (enter) ")
	if !d.Link.Up {
		leave = c.T(" l  leave (enter) ")
	}
	c.Put(view.Selected, leave)
	if !d.ReadOnly && d.Link.Up {
		c.Gap(2)
		c.Put(view.Bold, "s")
		c.Put(view.Plain, c.T("  stop the gateway"))
	}
	c.Gap(2)
	c.Put(view.Bold, "esc")
	c.Put(view.Plain, c.T("  back"))
	c.End()
}
