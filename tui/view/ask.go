package view

import (
	"net/netip"
	"path"
	"strconv"
	"strings"
	"time"

	"openclaw/gateway/event"
	"openclaw/sandbox/policy"
)

// askWord is the word and the mark of an ask's state.
func askWord(t *Theme, a *event.Ask) (glyph string, style Style, word string) {
	switch a.State {
	case event.AskWaiting:
		return "?", Warn, "ask"
	case event.AskAllowed:
		return t.Glyphs.Yes, Good, a.Scope
	case event.AskUndone:
		return t.Glyphs.Off, Faint, "undone"
	case event.AskMissed:
		return t.Glyphs.No, Bad, "missed"
	case event.AskGone:
		return t.Glyphs.No, Faint, "gone"
	case event.AskLimited:
		return t.Glyphs.No, Bad, "limit"
	}
	return t.Glyphs.No, Bad, "deny"
}

func (v *DenialsView) askRow(c *Canvas, row *inboxRow) {
	a := row.ask
	r := cells{
		at: endOf(a), agent: a.Agent, pid: a.PID, program: a.Program, op: a.Operation, target: a.Target, rule: a.Rule, count: a.Count,
	}
	r.glyph, r.style, r.word = askWord(c.Theme, a)
	if a.State == event.AskWaiting {
		r.at, r.left = a.Deadline, true
	}
	if a.State != event.AskWaiting && a.Reason != "" {
		r.rule = a.Reason
	}
	if v.ask.marks[a.ID] && a.State == event.AskWaiting {
		r.word = "marked"
	}
	v.cells(c, &r)
}

// askPane says all that is known of an ask, what matters for the answer first.
func (v *DenialsView) askPane(c *Canvas, a *event.Ask) {
	c.Field(Faint, "wants", labelWidth)
	c.Put(Bold, a.Operation+" ")
	c.Wrap(Bold, tilde(a.Target, v.data.Home), labelWidth+1)
	c.Field(Faint, "state", labelWidth)
	v.askState(c, a)
	rule := orDash(a.Rule)
	if a.Origin.BuiltIn == "" && a.Origin.Line > 0 {
		rule += "   " + base(a.Origin.File) + ":" + itoa(a.Origin.Line)
	}
	fact(c, "why", rule)
	fact(c, "program", orDash(a.Program)+", pid "+itoa(a.PID))
	if a.CommandLine != "" {
		said := a.CommandLine
		if !v.full {
			said = Printable(said, maxSaid)
		}
		fact(c, "says", said+"   (the agent's own words)")
	}
	fact(c, "agent", a.Agent+", run "+orDash(a.Run))
	c.Field(Faint, "seen", labelWidth)
	c.PutInt(Bold, max(a.Count, 1))
	c.Put(Plain, " × ")
	c.Time(Plain, v.data.Local(a.First), time.TimeOnly)
	if a.Count > 1 {
		c.Put(Plain, " to ")
		c.Time(Plain, v.data.Local(a.Last), time.TimeOnly)
	}
	c.End()
	if a.Mechanism != "" {
		fact(c, "held by", mechanismText(a.Mechanism))
	}
	fact(c, "note", a.Note)
	if a.Wrote != "" {
		fact(c, "wrote", a.Where+"   "+a.Wrote)
	}
	fact(c, "problem", a.Problem)
}

// askState says how an ask stands: how long it still waits, or who answered.
func (v *DenialsView) askState(c *Canvas, a *event.Ask) {
	switch a.State {
	case event.AskWaiting:
		c.Put(Warn, "? ")
		c.scratch = AppendLeft(c.scratch[:0], a.Deadline.Sub(v.data.Now))
		c.putASCII(Bold, c.scratch, c.Room())
		c.Put(Plain, " left, then it is denied")
		if a.Waiting > 1 {
			c.Put(Plain, "; "+itoa(a.Waiting)+" alike wait")
		}
		c.End()
		return
	case event.AskMissed:
		c.Wrap(Plain, "missed: nobody answered in time, so it was denied. It can still be allowed for the next time.", labelWidth+1)
		return
	case event.AskGone:
		c.Wrap(Plain, "gone: the program ended first. It can still be allowed for the next time.", labelWidth+1)
		return
	case event.AskLimited:
		c.Wrap(Plain, "denied unasked: "+a.Reason, labelWidth+1)
		return
	}
	_, style, word := askWord(c.Theme, a)
	text := word
	if a.State == event.AskAllowed {
		text = "allowed " + scopeText(a.Scope)
		if a.Match != "" && a.Match != matchExact {
			text += ", for the whole " + a.Match
		}
	} else if a.Reason != "" {
		text = a.Reason
	}
	if a.By != "" {
		text += ", by " + a.By
	}
	if !a.Decided.IsZero() {
		text += " at " + v.data.Local(a.Decided).Format(time.TimeOnly)
	}
	c.Wrap(style, text, labelWidth+1)
}

func scopeText(scope string) string {
	if scope == scopeRun {
		return "for this run"
	}
	return scope
}

// askFoot is the part that stays in sight: how far an answer goes, what it
// writes, and the keys.
func (v *DenialsView) askFoot(c *Canvas, a *event.Ask) {
	if v.ask.step == askNote && v.ask.target == a.ID {
		c.Put(Bold, "deny, because: ")
		v.ask.note.Draw(c, true)
		c.End()
		c.Line(Faint, "enter denies with these words   esc goes back")
		return
	}
	list := scopes(a)
	if v.data.ReadOnly {
		if len(list) > 0 {
			c.Line(Faint, "This screen is read-only: openclaw allow, openclaw deny answer.")
		}
		return
	}
	if len(list) == 0 {
		if a.State == event.AskAllowed && a.UndoUntil.After(v.data.Now) {
			c.Put(Bold, "u")
			c.Line(Plain, " takes it back, for "+itoa(int(a.UndoUntil.Sub(v.data.Now)/time.Second)+1)+" s")
		}
		return
	}
	scope, match := v.scope(a), v.match(a)
	choice(c, "scope", "s", list, scope)
	if len(a.Matches) > 1 {
		if c.Room() < 40 {
			c.End()
		} else {
			c.Gap(3)
		}
		choice(c, "match", "m", a.Matches, match)
	}
	c.End()
	v.drawEffect(c, a, scope, match)
	v.drawAnswers(c, a, scope)
}

// choice draws the words that a key goes through, the chosen one in brackets.
func choice(c *Canvas, label, key string, words []string, chosen string) {
	c.Put(Bold, key)
	c.Put(Faint, " "+label+" ")
	for _, w := range words {
		text := w
		if w == scopeRun {
			text = "this run"
		}
		if w == chosen {
			c.Put(Selected, "["+text+"]")
		} else {
			c.Put(Plain, " "+text+" ")
		}
	}
}

// drawEffect says what an allow does, with the rule as it would stand in the
// file, and how much more it would have allowed.
func (v *DenialsView) drawEffect(c *Canvas, a *event.Ask, scope, match string) {
	switch scope {
	case scopeOnce:
		c.Put(Faint, "writes nothing; for this call alone")
		if a.Waiting > 1 {
			c.Put(Faint, ", "+itoa(a.Waiting)+" alike")
		}
		if a.NoAlways != "" {
			c.Put(Faint, "; always: "+a.NoAlways)
		}
		c.End()
		return
	case scopeRun:
		c.Put(Plain, "until run "+orDash(a.Run)+" ends, in memory: "+v.data.Short(covered(a, match)))
	default:
		switch p, known := v.data.Previews[PreviewKey{a.ID, match}]; {
		case !known:
			c.Put(Faint, "asking the gateway what it would write")
		case p.Problem != "":
			c.Put(Bad, c.Theme.Glyphs.No+" ")
			c.Put(Plain, p.Problem)
		default:
			c.Put(Good, "+ "+p.Line)
			c.Gap(2)
			c.Put(Faint, p.Where)
		}
	}
	c.End()
	asks, denials := v.alsoMatched(a, match)
	c.Line(Faint, "would also have matched "+plural(asks, "ask")+" and "+plural(denials, "denial")+" of the last hour")
}

func (v *DenialsView) drawAnswers(c *Canvas, a *event.Ask, scope string) {
	switch {
	case v.Question() != "":
		c.Put(Bold, v.Question()+" ")
		c.Line(Plain, "y does it, any other key does not")
		return
	case v.ask.id != a.ID || v.Dozes():
		c.Line(Faint, "keys wake a moment after the request is in sight")
		return
	}
	put := func(key, text string) {
		c.Put(Bold, key)
		c.Put(Plain, " "+text+"   ")
	}
	word := "allow"
	if scope == scopeAlways {
		word = "allow…"
	}
	put("a", word)
	if a.State == event.AskWaiting {
		put("d", "deny")
		put("c", "deny with a note")
		if v.inbox.waiting > 1 {
			put("A/D", "many…")
		}
	}
	c.End()
}

// covered names what an answer reaches.
func covered(a *event.Ask, match string) string {
	switch match {
	case "host":
		host, _ := splitTarget(a.Target)
		return host + ", every port"
	case "folder":
		return folderOf(a) + "/ and all below it"
	}
	return a.Target
}

func folderOf(a *event.Ask) string {
	if a.Operation == "opendir" {
		return a.Target
	}
	return path.Dir(a.Target)
}

// alsoMatched counts the other asks and denials of the agent within the last
// hour that a wider answer would have covered.
func (v *DenialsView) alsoMatched(a *event.Ask, match string) (asks, denials int) {
	reaches := func(agent string, class policy.Class, target string, last time.Time) bool {
		if agent != a.Agent || class != a.Class || v.data.Since(last) > time.Hour {
			return false
		}
		switch match {
		case "host":
			mine, _ := splitTarget(a.Target)
			host, _ := splitTarget(target)
			return host == mine
		case "folder":
			folder := folderOf(a)
			return target == folder || strings.HasPrefix(target, strings.TrimSuffix(folder, "/")+"/")
		}
		return target == a.Target
	}
	for i := range v.inbox.rows {
		switch r := &v.inbox.rows[i]; {
		case r.ask != nil:
			if r.ask.ID != a.ID && reaches(r.ask.Agent, r.ask.Class, r.ask.Target, r.ask.Last) {
				asks++
			}
		case reaches(r.denial.Agent, r.denial.Class, r.denial.Target, r.denial.Last):
			denials++
		}
	}
	return asks, denials
}

// trace draws every rule that the policy looks at for a row's request.
func (v *DenialsView) trace(c *Canvas, row *inboxRow) {
	agent, target := row.who()
	var class policy.Class
	switch {
	case row.ask != nil:
		class = row.ask.Class
	default:
		class = row.denial.Class
	}
	full, have := v.data.Details[agent]
	if !have || full.Policy == nil {
		c.Line(Faint, "the policy of "+agent+" is not loaded yet")
		return
	}
	request, err := requestOf(class, target)
	if err != nil {
		c.Wrap(Plain, "The kernel itself refused this ("+string(class)+"): no rule was looked at.", 0)
		return
	}
	drawDecision(c, full.Policy.Explain(request), v.data.Home)
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
	c.Field(Faint, "the policy says now", 19)
	c.Put(style, glyph+" ")
	c.Put(Bold, string(d.Effect))
	c.Wrap(Plain, "  "+d.Rule, 4)
	fact(c, "from", tilde(originText(d.Origin), home))
	c.Line(Faint, "looked at, in order:")
	for i, step := range d.Trace {
		c.Number(Faint, i+1, 4)
		c.Gap(1)
		if step.Matched {
			c.Put(Bold, c.Theme.Glyphs.Arrow+" matches  ")
		} else {
			c.Put(Faint, "  not this ")
		}
		c.Wrap(Plain, step.Rule+"   "+shortOrigin(step.Origin), 6)
	}
	if len(d.Trace) == 0 {
		c.Line(Faint, "  no rule is about it")
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
