package view

import (
	"slices"
	"strings"
	"time"

	"openclaw/sandbox/policy"
)

// policyRow is one line of the policy tree.
type policyRow struct {
	title  string // of a section; the rest is then empty
	effect policy.Effect
	access policy.Access
	what   string
	from   policy.Origin
	place  string // of from, short
	used   int    // what was refused because of it, or connected
	starts bool   // one of the many places that start by themselves, and are only read
}

const builtInTitle = "built in, no config opens these"

// policyRows is the tree: the person's own rules come first, what the program
// denies by itself comes last, and the system's folders are one row.
func policyRows(w *Words, p *policy.Policy) []policyRow {
	rows := []policyRow{{title: w.T("paths")}}
	add := func(e policy.Effect, access policy.Access, what string, from policy.Origin) {
		rows = append(rows, policyRow{effect: e, access: access, what: what, from: from})
	}
	system := 0
	var fixed, given []*policy.PathRule
	for i := range p.Paths {
		switch r := &p.Paths[i]; {
		case r.System:
			system++
		case r.Origin.BuiltIn != "" && r.Effect == policy.Deny:
			fixed = append(fixed, r)
		case r.Origin.BuiltIn != "":
			given = append(given, r)
		default:
			add(r.Effect, r.Access, r.Path, r.Origin)
		}
	}
	for _, r := range given {
		add(r.Effect, r.Access, r.Path, r.Origin)
		rows[len(rows)-1].starts = r.Limit != ""
	}
	if system > 0 {
		add(policy.Allow, policy.AccessRead, w.T("%s folders of the system", itoa(system)), policy.Origin{BuiltIn: w.T("programs need them")})
	}
	add(rest(p, policy.ClassPathRead, policy.ClassPathWrite), "", w.T("everything else"), p.Default)
	rows = append(rows, policyRow{title: w.T("network")})
	rows = networkRows(w, rows, p)
	rows = append(rows, policyRow{title: w.T("programs")})
	add(effect(p.Exec.Commands), "", w.T("commands besides the first"), p.Exec.CommandsFrom)
	add(effect(p.Exec.System), "", w.T("sudo, mount, package managers"), p.Exec.SystemFrom)
	if len(fixed) > 0 {
		rows = append(rows, policyRow{title: builtInTitle})
		for _, r := range fixed {
			add(r.Effect, r.Access, r.Path, r.Origin)
		}
	}
	return rows
}

// rest is what becomes of what no rule speaks of.
func rest(p *policy.Policy, classes ...policy.Class) policy.Effect {
	for _, class := range classes {
		if slices.Contains(p.Asks, class) {
			return policy.Ask
		}
	}
	return policy.Deny
}

func networkRows(w *Words, rows []policyRow, p *policy.Policy) []policyRow {
	n := &p.Network
	add := func(e policy.Effect, what string, from policy.Origin) {
		rows = append(rows, policyRow{effect: e, what: what, from: from})
	}
	if !n.Outbound {
		add(policy.Deny, w.T("all but the gateway's agent endpoint"), n.OutboundFrom)
		return rows
	}
	for _, d := range n.Domains {
		add(policy.Allow, withPort(d.Pattern, d.Port), d.Origin)
	}
	if n.AnyDomain {
		add(policy.Allow, w.T("every domain that is not blocked"), n.DomainsFrom)
	}
	for _, a := range n.Allowed {
		add(policy.Allow, withPort(a.Prefix.String(), a.Port), a.Origin)
	}
	builtIn := 0
	for _, a := range n.Blocked {
		if a.Origin.BuiltIn != "" {
			builtIn++
			continue
		}
		add(policy.Deny, withPort(a.Prefix.String(), a.Port), a.Origin)
	}
	if builtIn > 0 {
		add(policy.Deny, w.T("%s address ranges", itoa(builtIn)), policy.Origin{BuiltIn: w.T("loopback, private, metadata")})
	}
	if !n.AnyDomain {
		add(rest(p, policy.ClassNet), w.T("every other domain"), n.DomainsFrom)
	}
	return rows
}

// PolicyLines is the policy tree as sentences, for the plain mode. What no
// config opens is one sentence with a count.
func PolicyLines(w *Words, p *policy.Policy) []string {
	var lines []string
	section, fixed := "", 0
	for _, r := range policyRows(w, p) {
		switch {
		case r.title != "":
			section = r.title
		case section == builtInTitle:
			fixed++
		default:
			lines = append(lines, w.T("%s, %s %s, from %s", section, r.verb(), tilde(r.what, p.Home), originText(w, r.from)))
		}
	}
	if fixed > 0 {
		line := w.T("built in, %s places that no config opens; openclaw agent show %s --all lists them", itoa(fixed), p.Agent)
		lines = append(lines, line)
	}
	return lines
}

func (r *policyRow) verb() string {
	if r.access != "" && r.effect == policy.Allow {
		return string(r.access)
	}
	return string(r.effect)
}

// drawPolicy draws the tree; folded, the built-in rules are one row.
func drawPolicy(c *Canvas, rows []policyRow, p *policy.Policy, role string, folded bool) {
	title := c.T("policy %s", p.Version)
	if role != "" {
		title += c.T(", role %s", role)
	}
	c.Line(Bold, title)
	hidden, starts := 0, 0
	for i := range rows {
		if rows[i].starts {
			starts++
		}
	}
	for i, told := 0, false; i < len(rows); i++ {
		if hidden > 0 {
			hidden++
			continue
		}
		if rows[i].starts && folded && starts > 1 {
			if !told {
				drawStarts(c, rows, starts)
			}
			told = true
			continue
		}
		if rows[i].title == builtInTitle && folded {
			hidden = 1
			continue
		}
		if rows[i].title != "" {
			c.Line(Bold, c.T(rows[i].title))
			continue
		}
		rows[i].draw(c, p.Home)
	}
	if hidden > 1 {
		c.Put(Bold, c.T("built in"))
		c.Put(Plain, c.T(": %s places that no config opens; ", itoa(hidden-1)))
		c.Put(Bold, c.Key(ActFold))
		c.Line(Plain, c.T(" shows them"))
	}
	counted := false
	for i := range rows {
		counted = counted || rows[i].used > 0
	}
	if counted {
		c.Line(Faint, c.T("× refused or connected; what a path rule allows is not counted"))
	}
	if p.MaxFileSize > 0 {
		c.Put(Bold, c.T("file size"))
		c.Put(Plain, c.T(" at most "))
		c.Size(Plain, p.MaxFileSize, 0)
		c.End()
	}
	if len(p.Asks) > 0 {
		var words []string
		for _, a := range p.Asks {
			words = append(words, string(a))
		}
		c.Put(Bold, c.T("asks"))
		c.Wrap(Plain, c.T(" for %s, %s for an answer", strings.Join(words, ", "), p.AskTimeout.Round(time.Second).String()), 2)
	}
}

// drawStarts is one row for all places whose programs start by themselves.
func drawStarts(c *Canvas, rows []policyRow, n int) {
	one := policyRow{effect: policy.Allow, access: policy.AccessRead, what: c.T("%s start-up files and folders", itoa(n)), place: c.T("built in")}
	for i := range rows {
		if rows[i].starts {
			one.used += rows[i].used
		}
	}
	one.draw(c, "")
}

func (r *policyRow) draw(c *Canvas, home string) {
	glyph, style := c.Theme.Glyphs.No, Bad
	switch r.effect {
	case policy.Allow:
		glyph, style = c.Theme.Glyphs.Yes, Good
	case policy.Ask:
		glyph, style = "?", Warn
	case policy.Deny:
	}
	c.Gap(2)
	c.Put(style, glyph)
	c.Gap(1)
	c.Field(Plain, r.verb(), 5)
	width := c.Room() - placeWidth
	if width < 16 {
		c.Wrap(Plain, tilde(r.what, home), 10)
		return
	}
	c.PathField(Plain, r.what, home, width)
	if r.used == 0 {
		c.Put(Faint, r.place)
		c.End()
		return
	}
	times := itoa(r.used) + " ×"
	c.Field(Faint, r.place, max(min(Width(r.place), c.Room()-Width(times)-1), 1))
	c.Put(Bold, times)
	c.End()
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

func shortOrigin(w *Words, o policy.Origin) string {
	switch {
	case o.BuiltIn != "":
		return w.T("built in")
	case o.Line > 0:
		return base(o.File) + ":" + itoa(o.Line)
	}
	return o.Key
}
