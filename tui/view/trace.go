package view

import (
	"net/netip"
	"strconv"

	"openclaw/sandbox/policy"
)

// trace draws every rule that the policy of an agent looks at for a request.
func (d *Data) trace(c *Canvas, agent string, class policy.Class, target string) {
	full, have := d.Details[agent]
	if !have || full.Policy == nil {
		c.Line(Faint, c.T("the policy of %s is not loaded yet", agent))
		return
	}
	if full.PolicyMasked {
		notDecidedHere(c, agent)
		return
	}
	request, err := requestOf(class, target)
	if err != nil {
		noRule(c, string(class))
		return
	}
	drawDecision(c, full.Policy.Explain(request), d.Home)
}

// noRule says that no rule of the policy is about what was refused.
func noRule(c *Canvas, by string) {
	c.Wrap(Plain, c.T("The kernel itself refused this (%s): no rule was looked at.", by), 0)
}

// mechanismFilter is the mechanism of what a cage's call filter refuses.
const mechanismFilter = "filter"

// notDecidedHere says why a policy that a secret was taken out of is asked nothing.
func notDecidedHere(c *Canvas, agent string) {
	c.Wrap(Warn, c.T("A rule of this policy holds a secret, which the screen does not get: nothing is decided here. openclaw agent test %s tells.", agent), 1)
}

// requestOf is the request of the policy that a target stands for.
func requestOf(class policy.Class, target string) (policy.Request, error) {
	r := policy.Request{Class: class}
	switch class {
	case policy.ClassPathRead, policy.ClassPathWrite, policy.ClassExec:
		r.Path = target
		return r, nil
	case policy.ClassNet:
		host, port := splitTarget(target)
		number, err := strconv.ParseUint("0"+port, 10, 16)
		if err != nil {
			return r, err
		}
		r.Port = uint16(number)
		if address, err := netip.ParseAddr(host); err == nil {
			r.Address = address
		} else {
			r.Host = host
		}
		return r, nil
	case policy.ClassLimit:
	}
	return r, strconv.ErrSyntax
}

// drawDecision draws what a policy answers, and each rule that it looked at.
func drawDecision(c *Canvas, d policy.Decision, home string) {
	glyph, style := effectMark(c.Theme, d.Effect)
	c.Field(Faint, c.T("the policy says now"), 19)
	c.Put(style, glyph+" ")
	c.Put(Bold, string(d.Effect))
	c.Wrap(Plain, "  "+d.Rule, 4)
	fact(c, c.T("from"), tilde(originText(c.Theme.Words, d.Origin), home))
	c.Line(Faint, c.T("looked at, in order:"))
	for i, step := range d.Trace {
		c.Number(Faint, i+1, 4)
		c.Gap(1)
		if step.Matched {
			c.Put(Bold, c.T("%s matches  ", c.Theme.Glyphs.Arrow))
		} else {
			c.Put(Faint, c.T("  not this "))
		}
		c.Wrap(Plain, step.Rule+"   "+shortOrigin(c.Theme.Words, step.Origin), 6)
	}
	if len(d.Trace) == 0 {
		c.Line(Faint, c.T("  no rule is about it"))
	}
}

func effectMark(t *Theme, e policy.Effect) (glyph string, style Style) {
	switch e {
	case policy.Allow:
		return t.Glyphs.Yes, Good
	case policy.Ask:
		return "?", Warn
	case policy.Deny:
	}
	return t.Glyphs.No, Bad
}
