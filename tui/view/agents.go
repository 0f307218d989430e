package view

import (
	"strings"
	"time"

	"openclaw/gateway/event"
	"openclaw/sandbox/policy"
)

// AgentsView lists the agents with their policy, as it will be enforced, and
// their runs, with what was proven in each run's own cage.
type AgentsView struct {
	data *Data
	browse
	asked string // the agent whose policy was last asked for
}

// NewAgents returns the view.
func NewAgents(d *Data) *AgentsView {
	return &AgentsView{data: d, browse: browse{keys: []string{"agent", "role", "state"}}}
}

// Captures reports whether typed text goes to the view.
func (v *AgentsView) Captures() bool { return v.captures() }

// Key takes typed text.
func (v *AgentsView) Key(k Key) Action { v.key(k); return Action{} }

// Do answers an action.
func (v *AgentsView) Do(a ID) (Action, bool) { return Action{}, v.do(a, v.id) }

// Wants names the agent whose policy the pane needs and does not have.
func (v *AgentsView) Wants() Action {
	name := v.list.Selected()
	if name == "" && len(v.data.Agents) > 0 {
		name = v.data.Agents[0].Name
	}
	if _, have := v.data.Details[name]; name == "" || have || v.asked == name {
		return Action{}
	}
	v.asked = name
	return Action{Verb: VerbLoadAgent, Name: name}
}

// Forget makes Wants ask anew, because policies may have changed.
func (v *AgentsView) Forget() { v.asked = "" }

func (v *AgentsView) id(i int) string { return v.data.Agents[v.at(i)].Name }

// Draw paints the view.
func (v *AgentsView) Draw(c *Canvas) {
	agents := v.data.Agents
	l := layout{
		title: "agents of the config", total: len(agents), share: 46, id: v.id, head: v.head,
		empty: "No agents yet. Add one to " + orDash(v.data.Config.Path) + ":  agents: {coder: {permissions: {allowed_paths: [~/project]}}}  " +
			"The file is read again as soon as it is saved; view 8 shows what became of it.",
		name: v.list.Selected,
	}
	l.count = v.count(l.total, func(i int, yield func(key, value string) bool) {
		_ = yield("agent", agents[i].Name) && yield("role", agents[i].Role) && yield("state", agents[i].State) && yield("", agents[i].Problem)
	})
	l.row = func(c *Canvas, i int, _ bool) { v.row(c, &agents[v.at(i)]) }
	l.pane = func(c *Canvas) {
		for i := range agents {
			if agents[i].Name == v.list.Selected() {
				v.pane(c, &agents[i])
			}
		}
	}
	v.draw(c, &l)
}

func (v *AgentsView) head(c *Canvas) {
	c.Field(Faint, "AGENT", 12)
	c.Field(Faint, "STATE", 9)
	c.Put(Faint, "RUNS CONNS DENIED")
	if c.Room() > 8 {
		c.Gap(2)
		c.Put(Faint, "ROLE")
	}
}

func (v *AgentsView) row(c *Canvas, a *event.Agent) {
	c.Field(Plain, a.Name, 12)
	glyph, style := stateMark(c.Theme, a.State)
	c.Put(style, glyph)
	c.Gap(1)
	c.Field(Plain, a.State, 7)
	c.Number(Plain, Running(a), 4)
	c.Number(Plain, a.Conns, 6)
	c.Number(Plain, a.Denied, 7)
	c.Gap(2)
	if c.Room() > 4 {
		text := a.Role
		if needsRun(a) {
			text = "new run!"
		}
		c.Put(Plain, text)
	}
}

func needsRun(a *event.Agent) bool {
	for i := range a.Runs {
		if a.Runs[i].Ended.IsZero() && len(a.Runs[i].NeedsRun) > 0 {
			return true
		}
	}
	return false
}

func (v *AgentsView) pane(c *Canvas, a *event.Agent) {
	if a.Problem != "" {
		c.Field(Bad, "problem", labelWidth)
		c.Wrap(Plain, a.Problem, labelWidth+1)
	}
	for i := len(a.Runs) - 1; i >= 0; i-- {
		v.run(c, a, &a.Runs[i])
	}
	if len(a.Runs) == 0 {
		c.Line(Faint, "Not run yet. In another terminal:")
		c.Line(Plain, "  openclaw agent run "+a.Name+" -- COMMAND")
	}
	p := a.Policy
	if full, ok := v.data.Details[a.Name]; ok {
		p = full.Policy
	}
	c.End()
	if p == nil {
		c.Line(Faint, "policy: not loaded yet")
		return
	}
	drawPolicy(c, p, a.Role)
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
	c.Put(Bold, "run "+r.ID)
	c.Put(Plain, " "+state)
	if live {
		c.Put(Plain, ", pid "+itoa(r.PID)+", for ")
		c.Age(Plain, v.data.Since(r.Started), 0)
	} else {
		c.Put(Plain, ", "+orDash(r.Exit)+", ")
		c.Age(Plain, v.data.Since(r.Ended), 0)
		c.Put(Plain, " ago")
	}
	c.End()
	c.Gap(2)
	c.Field(Faint, "command", labelWidth)
	c.Wrap(Plain, strings.Join(r.Command, " "), labelWidth+3)
	if !live {
		return
	}
	mechanisms(c, r.Mechanisms, "not yet proven: the cage has not reported")
	for _, w := range r.Warnings {
		c.Gap(2)
		c.Field(Warn, "warning", labelWidth)
		c.Wrap(Plain, w, labelWidth+3)
	}
	for _, n := range r.NeedsRun {
		c.Gap(2)
		c.Field(Warn, "new run", labelWidth)
		c.Wrap(Plain, "needed for: "+n, labelWidth+3)
	}
	if a.Policy != nil && r.Policy != "" && a.Policy.Version != r.Policy && len(r.NeedsRun) == 0 {
		c.Gap(2)
		c.Field(Warn, "policy", labelWidth)
		c.Wrap(Plain, "this run has version "+r.Policy+", the config now gives "+a.Policy.Version, labelWidth+3)
	}
}

// mechanisms draws what holds in a few wrapped rows and each thing that does not
// hold in a row of its own, with its fix.
func mechanisms(c *Canvas, list []event.Mechanism, none string) {
	c.Gap(2)
	c.Field(Faint, "enforced", labelWidth)
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
		text := m.Name + ": not enforced"
		if m.Detail != "" {
			text += " (" + m.Detail + ")"
		}
		if m.Fix != "" {
			text += ". Fix: " + m.Fix
		}
		c.Wrap(Plain, text, 4)
	}
}

// drawPolicy draws the policy tree. The person's own rules come first, then
// what the program adds, and the system's folders as one row.
func drawPolicy(c *Canvas, p *policy.Policy, role string) {
	title := "policy " + p.Version
	if role != "" {
		title += ", role " + role
	}
	c.Line(Bold, title)
	c.Line(Bold, "paths")
	system := 0
	for _, builtIn := range [2]bool{false, true} {
		for i := range p.Paths {
			r := &p.Paths[i]
			switch {
			case r.System:
				if !builtIn {
					system++
				}
			case (r.Origin.BuiltIn != "") == builtIn:
				rule(c, r.Effect, string(r.Access), r.Path, r.Origin)
			}
		}
	}
	if system > 0 {
		rule(c, policy.Allow, "read", itoa(system)+" folders of the system", policy.Origin{BuiltIn: "programs need them"})
	}
	rest := policy.Deny
	for _, a := range p.Asks {
		if a == policy.ClassPathRead || a == policy.ClassPathWrite {
			rest = policy.Ask
		}
	}
	rule(c, rest, "", "everything else", p.Default)
	c.Line(Bold, "network")
	n := &p.Network
	if !n.Outbound {
		rule(c, policy.Deny, "", "everything but the gateway's agent endpoint", n.OutboundFrom)
	} else {
		for _, d := range n.Domains {
			rule(c, policy.Allow, "", withPort(d.Pattern, d.Port), d.Origin)
		}
		if n.AnyDomain {
			rule(c, policy.Allow, "", "every domain that is not blocked", n.DomainsFrom)
		}
		for _, a := range n.Allowed {
			rule(c, policy.Allow, "", withPort(a.Prefix.String(), a.Port), a.Origin)
		}
		builtIn := 0
		for _, a := range n.Blocked {
			if a.Origin.BuiltIn != "" {
				builtIn++
				continue
			}
			rule(c, policy.Deny, "", withPort(a.Prefix.String(), a.Port), a.Origin)
		}
		if builtIn > 0 {
			rule(c, policy.Deny, "", itoa(builtIn)+" address ranges", policy.Origin{BuiltIn: "loopback, private, metadata"})
		}
	}
	c.Line(Bold, "programs")
	rule(c, effect(p.Exec.Commands), "", "other commands than the one that starts it", p.Exec.CommandsFrom)
	rule(c, effect(p.Exec.System), "", "sudo, mount, package managers", p.Exec.SystemFrom)
	if p.MaxFileSize > 0 {
		c.Put(Bold, "file size")
		c.Put(Plain, " at most ")
		c.Size(Plain, p.MaxFileSize, 0)
		c.End()
	}
	if len(p.Asks) > 0 {
		var words []string
		for _, a := range p.Asks {
			words = append(words, string(a))
		}
		c.Put(Bold, "asks")
		c.Wrap(Plain, " for "+strings.Join(words, ", ")+", at most "+p.AskTimeout.Round(time.Second).String(), 2)
	}
}

func effect(allow bool) policy.Effect {
	if allow {
		return policy.Allow
	}
	return policy.Deny
}

func withPort(host string, port uint16) string {
	if port == 0 {
		return host
	}
	return host + ":" + itoa(int(port))
}

func rule(c *Canvas, e policy.Effect, access, what string, from policy.Origin) {
	glyph, style := c.Theme.Glyphs.No, Bad
	switch e {
	case policy.Allow:
		glyph, style = c.Theme.Glyphs.Yes, Good
	case policy.Ask:
		glyph, style = "?", Warn
	case policy.Deny:
	}
	c.Gap(2)
	c.Put(style, glyph)
	c.Gap(1)
	verb := string(e)
	if access != "" && e == policy.Allow {
		verb = access
	}
	c.Field(Plain, verb, 5)
	width := c.Room() - 22
	if width < 16 {
		c.Wrap(Plain, what, 10)
		return
	}
	c.FieldMiddle(Plain, what, width)
	c.Put(Faint, shortOrigin(from))
	c.End()
}

func shortOrigin(o policy.Origin) string {
	switch {
	case o.BuiltIn != "":
		return "built in"
	case o.Line > 0:
		return base(o.File) + ":" + itoa(o.Line)
	}
	return o.Key
}
