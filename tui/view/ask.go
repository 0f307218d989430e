package view

import (
	"path"
	"slices"
	"strings"
	"time"

	"openclaw/gateway/event"
	"openclaw/sandbox/policy"
)

// askWord is the word and the mark of an ask's state.
func askWord(t *Theme, a *event.Ask) (glyph string, style Style, word string) {
	switch a.State {
	case event.AskWaiting:
		return "?", Warn, t.T("ask")
	case event.AskAllowed:
		return t.Glyphs.Yes, Good, scopeWord(t.Words, a.Scope)
	case event.AskUndone:
		return t.Glyphs.Off, Faint, t.T("undone")
	case event.AskMissed:
		return t.Glyphs.No, Bad, t.T("missed")
	case event.AskGone:
		return t.Glyphs.No, Faint, t.T("gone")
	case event.AskLimited:
		return t.Glyphs.No, Bad, t.T("limit")
	}
	return t.Glyphs.No, Bad, t.T("deny")
}

func (v *DenialsView) askRow(c *Canvas, row *inboxRow) {
	a := row.ask
	r := cells{
		at: endOf(a), agent: a.Agent, pid: a.PID, program: a.Program, op: a.Operation, target: a.Target, rule: a.Rule, count: a.Count,
	}
	r.glyph, r.style, r.word = askWord(c.Theme, a)
	if a.State == event.AskWaiting {
		r.at, r.left = v.data.Now.Add(a.Left(v.data.Now)), v.data.Link.Up
	}
	if a.State != event.AskWaiting && a.Reason != "" {
		r.rule = a.Reason
	}
	if v.ask.marks[a.ID] && a.State == event.AskWaiting {
		r.word = c.T("marked")
	}
	v.cells(c, &r)
}

// askPane says all that is known of an ask, what matters for the answer first.
func (v *DenialsView) askPane(c *Canvas, a *event.Ask) {
	c.Field(Faint, c.T("wants"), labelWidth)
	c.Put(Bold, a.Operation+" ")
	c.Wrap(Bold, tilde(a.Target, v.data.Home), labelWidth+1)
	c.Field(Faint, c.T("state"), labelWidth)
	v.askState(c, a)
	rule := orDash(a.Rule)
	if a.Origin.BuiltIn == "" && a.Origin.Line > 0 {
		rule += "   " + base(a.Origin.File) + ":" + itoa(a.Origin.Line)
	}
	fact(c, c.T("why"), rule)
	fact(c, c.T("program"), c.T("%s, pid %s", orDash(a.Program), itoa(a.PID)))
	if a.CommandLine != "" {
		said := a.CommandLine
		if !v.full {
			said = Printable(said, maxSaid)
		}
		fact(c, c.T("says"), c.T("%s   (the agent's own words)", said))
	}
	fact(c, c.T("agent"), c.T("%s, run %s", a.Agent, orDash(a.Run)))
	c.Field(Faint, c.T("seen"), labelWidth)
	c.PutInt(Bold, max(a.Count, 1))
	c.Put(Plain, " × ")
	c.Time(Plain, v.data.Local(a.First), time.TimeOnly)
	if a.Count > 1 {
		c.Put(Plain, c.T(" to "))
		c.Time(Plain, v.data.Local(a.Last), time.TimeOnly)
	}
	c.End()
	if a.Mechanism != "" {
		fact(c, c.T("held by"), mechanismText(c.Theme.Words, a.Mechanism))
	}
	fact(c, c.T("note"), a.Note)
	if a.Wrote != "" {
		word := c.T("wrote")
		if a.State == event.AskUndone {
			word = c.T("took out")
		}
		fact(c, word, a.Where+"   "+a.Wrote)
	}
	fact(c, c.T("problem"), a.Problem)
}

// askState says how an ask stands: how long it still waits, or who answered.
func (v *DenialsView) askState(c *Canvas, a *event.Ask) {
	switch a.State {
	case event.AskWaiting:
		c.Put(Warn, "? ")
		if !v.data.Link.Up {
			c.Wrap(Plain, c.T("the gateway does not answer: without it the cage denies what it held"), labelWidth+1)
			return
		}
		c.scratch = AppendLeft(c.scratch[:0], a.Left(v.data.Now))
		c.putASCII(Bold, c.scratch, c.Room())
		text := c.T(" left, then it is denied")
		if a.Paused(v.data.Now) {
			text = c.T(" left, clock paused")
		}
		if a.Waiting > 1 {
			text += c.T("; %s alike wait", itoa(a.Waiting))
		}
		c.Wrap(Plain, text, labelWidth+1)
		return
	case event.AskMissed:
		c.Wrap(Plain, c.T("missed: nobody answered in time, so it was denied. It can still be allowed for the next time."), labelWidth+1)
		return
	case event.AskGone:
		c.Wrap(Plain, c.T("gone: the program ended first. It can still be allowed for the next time."), labelWidth+1)
		return
	case event.AskLimited:
		c.Wrap(Plain, c.T("denied unasked: %s", a.Reason), labelWidth+1)
		return
	}
	_, style, word := askWord(c.Theme, a)
	text := word
	if a.State == event.AskAllowed {
		text = c.T("allowed %s", ScopeText(c.Theme.Words, a.Scope))
		switch {
		case a.Match == "" || a.Match == matchExact:
		case isDomain(a.Match):
			text += c.T(", for %s", a.Match)
		default:
			text += c.T(", for the whole %s", a.Match)
		}
	} else if a.Reason != "" {
		text = a.Reason
	}
	if a.By != "" {
		text += c.T(", by %s", a.By)
	}
	if !a.Decided.IsZero() {
		text += c.T(" at %s", v.data.Local(a.Decided).Format(time.TimeOnly))
	}
	c.Wrap(style, text, labelWidth+1)
}

// scopeWord is a scope in the cells of a state.
func scopeWord(w *Words, scope string) string {
	if scope != scopeRun {
		return w.T(scope)
	}
	if text := w.T("this run"); Width(text) <= stateWidth-2 {
		return text
	}
	return w.T("run")
}

// ScopeText says how long an answer holds.
func ScopeText(w *Words, scope string) string {
	if scope == scopeRun {
		return w.T("for this run")
	}
	return w.T(scope)
}

// askFoot is the part that stays in sight: how far an answer goes, what it
// writes, and the keys.
func (v *DenialsView) askFoot(c *Canvas, a *event.Ask) {
	if v.ask.step == askNote && v.ask.target == a.ID {
		c.Put(Bold, c.T("deny, because: "))
		v.ask.note.Draw(c, true)
		c.End()
		c.Wrap(Faint, c.T("enter denies with these words   esc goes back"), 0)
		return
	}
	list := scopes(a)
	if v.data.ReadOnly {
		if len(list) > 0 {
			c.Wrap(Faint, c.T("This screen is read-only: openclaw allow, openclaw deny answer."), 0)
		}
		return
	}
	if len(list) == 0 {
		if a.State == event.AskAllowed && a.UndoUntil.After(v.data.Now) {
			c.Put(Bold, c.Key(ActUndo))
			c.Line(Plain, c.T(" takes it back, for %s s", itoa(int((a.UndoUntil.Sub(v.data.Now)+time.Second-1)/time.Second))))
		}
		if v.denialOf(a) != nil {
			c.Put(Bold, c.Key(ActAllow))
			c.Wrap(Faint, c.T(" shows the rule that would allow it; nothing is written yet"), 2)
		}
		return
	}
	scope, match := v.scope(a), v.match(a)
	if len(list) > 1 {
		choice(c, c.T("scope"), c.Key(ActScope), list, scope)
	}
	if len(a.Matches) > 1 {
		switch {
		case len(list) == 1:
		case c.Room() < choiceWidth(c, c.T("match"), c.Key(ActMatch), a.Matches)+3:
			c.End()
		default:
			c.Gap(3)
		}
		choice(c, c.T("match"), c.Key(ActMatch), a.Matches, match)
	}
	c.End()
	// The keys are always in sight; what they do gets the rows above them.
	v.ask.cut = false
	for {
		cut := v.ask.cut
		answers := c.Sub(1, c.Width(), c.Left())
		v.drawAnswers(answers, a, scope)
		effect := c.Sub(2, c.Width(), c.Left()-answers.Rows())
		v.drawEffect(effect, a, scope, match)
		if cut || !v.ask.cut { // else a does something else, which has longer words
			c.Copy(effect, 0)
			c.Copy(answers, 0)
			return
		}
	}
}

// choiceWidth is the room that choice needs for all words.
func choiceWidth(c *Canvas, label, key string, words []string) int {
	width := Width(key) + Width(label) + 2
	for _, w := range words {
		width += Width(c.T(w)) + 2
	}
	return width
}

// choice draws the words that a key goes through, the chosen one in brackets.
// Where they do not fit, those beside the chosen one are only counted.
func choice(c *Canvas, label, key string, words []string, chosen string) {
	c.Put(Bold, key)
	c.Put(Faint, " "+label+" ")
	if at := slices.Index(words, chosen); at >= 0 && c.Room() < choiceWidth(c, "", "", words)-2 {
		c.Put(Selected, "["+c.T(chosen)+"]")
		c.Put(Plain, c.T(" %s of %s", itoa(at+1), itoa(len(words))))
		return
	}
	for _, w := range words {
		text := c.T(w)
		if w == scopeRun {
			text = c.T("this run")
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
	v.ask.cut = false
	switch scope {
	case scopeOnce:
		text := c.T("writes nothing; for this call alone")
		if a.Class == policy.ClassPathRead || a.Class == policy.ClassPathWrite { // it looks, opens and looks again
			text = c.T("writes nothing; for this process, 2 s at most")
		}
		if a.Waiting > 1 {
			text += c.T(", %s alike", itoa(a.Waiting))
		}
		if a.NoAlways != "" {
			text += c.T("; always: %s", a.NoAlways)
		}
		c.Wrap(Faint, text, 0)
		return
	case scopeRun:
		c.Wrap(Plain, c.T("until run %s ends, in memory: %s", orDash(a.Run), v.data.Short(covered(c.Theme.Words, a, match))), 2)
	default:
		switch p, known := v.data.Previews[PreviewKey{a.ID, match}]; {
		case !known:
			c.Wrap(Faint, c.T("asking the gateway what it would write"), 0)
		case p.Problem != "":
			c.Put(Bad, c.Theme.Glyphs.No+" ")
			c.Wrap(Plain, p.Problem, 2)
		default:
			also := c.Sub(1, c.Width(), c.Left())
			v.drawAlso(also, a, match)
			v.drawRule(c, &p, also.Rows())
		}
	}
	v.drawAlso(c, a, match)
	if a.NoAlways != "" && a.State != event.AskWaiting { // there is no once, which says so
		c.Wrap(Faint, c.T("no always: %s", a.NoAlways), 0)
	}
}

// drawAlso says what else of the last hour an allow would have reached.
func (v *DenialsView) drawAlso(c *Canvas, a *event.Ask, match string) {
	asks, denials := v.alsoMatched(a, match)
	c.Wrap(Faint, c.T("would also match %s and %s of the last hour", c.N(asks, "ask"), c.N(denials, "denial")), 0)
}

func (v *DenialsView) drawAnswers(c *Canvas, a *event.Ask, scope string) {
	switch {
	case v.Question() != "":
		c.End() // the result line asks
		return
	case v.ask.id != a.ID || v.Dozes():
		c.Wrap(Faint, c.T("keys wake a moment after the request is in sight"), 0)
		return
	}
	put := func(key, text string) {
		if c.Column() > 0 && c.Room() < 3+Width(key)+1+Width(text) {
			c.End()
		} else if c.Column() > 0 {
			c.Gap(3)
		}
		c.Put(Bold, key)
		c.Put(Plain, " "+text)
	}
	word := c.T("allow")
	switch {
	case scope == scopeAlways && v.ask.cut && !v.full:
		word = c.T("show the whole rule")
	case scope == scopeAlways, v.confirms(&Answer{Scope: scope, Match: v.match(a)}):
		word = c.T("allow…")
	}
	put(c.Key(ActAllow), word)
	if a.State == event.AskPast {
		put("esc", c.T("leave it denied"))
	}
	if a.State == event.AskWaiting {
		put(c.Key(ActDeny), c.T("deny"))
		put(c.Key(ActNote), c.T("deny with a note"))
		if len(v.inbox.waits) > 1 {
			put(c.Key(ActAllowAll)+"/"+c.Key(ActDenyAll), c.T("many…"))
		}
	}
	c.End()
}

// covered names what an answer reaches.
func covered(w *Words, a *event.Ask, match string) string {
	switch match {
	case "host":
		host, _ := splitTarget(a.Target)
		return w.T("%s, every port", host)
	case "folder":
		return w.T("%s/ and all below it", folderOf(a))
	}
	if isDomain(match) {
		return w.T("%s, every port", match)
	}
	return a.Target
}

// isDomain reports whether a match is a domain, "*.example.com".
func isDomain(match string) bool { return strings.HasPrefix(match, "*.") && len(match) > len("*.") }

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
		if isDomain(match) {
			host, _ := splitTarget(target)
			return strings.HasSuffix(strings.ToLower(host), match[1:])
		}
		return target == a.Target
	}
	for i := range v.inbox.len() {
		switch r := v.inbox.row(i); {
		case r.ask != nil:
			if r.ask.ID != a.ID && reaches(r.ask.Agent, r.ask.Class, r.ask.Target, r.ask.Last) {
				asks++
			}
		case event.PastID(r.denial.ID) == a.ID:
		case reaches(r.denial.Agent, r.denial.Class, r.denial.Target, r.denial.Last):
			denials++
		}
	}
	return asks, denials
}
