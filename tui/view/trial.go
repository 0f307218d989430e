package view

import (
	"strings"

	"openclaw/sandbox/policy"
)

// testKey takes the words of a request that is tried on a policy.
func (v *AgentsView) testKey(k Key) {
	switch k.Name {
	case "enter":
		v.testing = false
	case "esc", "ctrl+c":
		v.testing = false
		v.test.Wipe()
	default:
		v.test.Key(k)
	}
}

// drawTest says what the policy of the selected agent answers to the request,
// while it is typed. Nothing is run.
func (v *AgentsView) drawTest(c *Canvas) {
	c.Gap(1)
	c.Put(Bold, c.T("test %s: ", v.list.Selected()))
	v.test.Draw(c.limit(c.Room()), v.testing)
	c.release()
	c.End()
	c.Gap(1)
	full, have := v.data.Details[v.list.Selected()]
	request, problem := testRequest(c.Theme.Words, v.test.Text(), v.data.Home)
	switch {
	case problem != "":
		c.Line(Faint, problem)
	case !have || full.Policy == nil:
		c.Line(Faint, c.T("policy: not loaded yet"))
	case full.PolicyMasked:
		notDecidedHere(c, full.Name)
	default:
		d := full.Policy.Explain(request)
		glyph, style := effectMark(c.Theme, d.Effect)
		c.Put(Plain, c.Theme.Glyphs.Arrow+" ")
		c.Put(style, glyph+" ")
		c.Put(Bold, string(d.Effect))
		c.Put(Plain, "  "+d.Rule+"   ")
		c.Put(Faint, shortOrigin(c.Theme.Words, d.Origin))
		c.Gap(3)
		c.Put(Bold, c.Key(ActWhy))
		c.Put(Faint, c.T(" says why"))
		c.End()
	}
}

// whyTested draws every rule that was looked at for the request.
func (v *AgentsView) whyTested(c *Canvas) {
	full, have := v.data.Details[v.list.Selected()]
	request, problem := testRequest(c.Theme.Words, v.test.Text(), v.data.Home)
	switch {
	case problem != "":
		c.Line(Faint, problem)
	case !have || full.Policy == nil:
		c.Line(Faint, c.T("policy: not loaded yet"))
	case full.PolicyMasked:
		notDecidedHere(c, full.Name)
	default:
		drawDecision(c, full.Policy.Explain(request), v.data.Home)
	}
}

// testRequest reads "read PATH", "write PATH", "exec PATH" or "connect HOST:PORT".
func testRequest(w *Words, line, home string) (policy.Request, string) {
	usage := w.T("read PATH, write PATH, exec PATH or connect HOST:PORT; what is typed is tried on the policy, and nothing is run")
	word, target, _ := strings.Cut(strings.TrimSpace(line), " ")
	target = strings.TrimSpace(target)
	class := policy.Class("")
	switch word {
	case "read":
		class = policy.ClassPathRead
	case "write":
		class = policy.ClassPathWrite
	case "exec":
		class = policy.ClassExec
	case "connect":
		class = policy.ClassNet
	}
	if class == "" || target == "" {
		return policy.Request{}, usage
	}
	if rest, below := strings.CutPrefix(target, "~/"); below && home != "" && class != policy.ClassNet {
		target = home + "/" + rest
	}
	r, err := requestOf(class, target)
	if err != nil {
		return policy.Request{}, w.T("a port is a number up to 65535")
	}
	return r, ""
}
