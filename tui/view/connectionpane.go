package view

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"openclaw/gateway/event"
)

// pane draws what is known of one connection.
func (v *ConnectionsView) pane(c *Canvas, n *event.Connection) {
	fact(c, c.T("route"), n.Route)
	state := c.T(n.State)
	if n.Status != 0 {
		state += c.T(", status %s", strconv.Itoa(n.Status))
	}
	fact(c, c.T("state"), state)
	if _, err := netip.ParseAddrPort(n.Detail); err == nil { // where it went: nothing is wrong
		fact(c, c.T("address"), n.Detail)
	} else {
		fact(c, c.T("reason"), n.Detail)
	}
	c.Field(Faint, c.T("opened"), labelWidth)
	c.Time(Plain, v.data.Local(n.Opened), time.DateTime)
	c.End()
	if !n.Closed.IsZero() {
		c.Field(Faint, c.T("closed"), labelWidth)
		c.Time(Plain, v.data.Local(n.Closed), time.DateTime)
		c.End()
	}
	fact(c, c.T("from"), n.From)
	client := n.Client
	if v.own(n) {
		client = c.T("%s, this screen", client)
	}
	fact(c, c.T("client"), client)
	if n.Agent != "" {
		fact(c, c.T("agent"), c.T("%s, run %s", n.Agent, orDash(n.Run)))
	}
	fact(c, c.T("program"), programText(c, n.Program))
	if n.PID != 0 {
		fact(c, c.T("pid"), itoa(n.PID))
	}
	fact(c, c.T("id"), n.ID)
	fact(c, c.T("auth"), strings.TrimSpace(n.Auth+" "+n.Certificate)) // whose certificate it is, after the word
	if n.Origin.File != "" || n.Origin.BuiltIn != "" || n.Origin.Key != "" {
		fact(c, c.T("rule at"), originText(c.Theme.Words, n.Origin))
	}
	c.Field(Faint, c.T("bytes"), labelWidth)
	c.Put(Plain, c.T("in "))
	c.Size(Plain, n.BytesIn, 0)
	c.Put(Plain, c.T(", out "))
	c.Size(Plain, n.BytesOut, 0)
	c.End()
	if n.FirstMS > 0 {
		fact(c, c.T("first"), c.T("%s ms to the first byte", strconv.FormatInt(n.FirstMS, 10)))
	}
	if n.Kind == event.ConnectionHTTP {
		fact(c, c.T("headers"), c.T("authorization: •••••••• (never shown)"))
	}
}

// programText names the program of a client. One in brackets hides its memory, and its
// file with it: what is known is the name that it has for itself.
func programText(c *Canvas, program string) string {
	if name, hidden := strings.CutPrefix(program, "["); hidden && strings.HasSuffix(name, "]") {
		return c.T("%s, by its own word: it hides its memory, and which file it is", strings.TrimSuffix(name, "]"))
	}
	return program
}
