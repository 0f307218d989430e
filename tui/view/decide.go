package view

import (
	"slices"
	"time"

	"openclaw/gateway/event"
)

// ArmDelay is how long the selected ask must have been on the screen before a
// key can answer it.
const ArmDelay = 400 * time.Millisecond

// asking is what the person is about to answer.
type asking struct {
	id     string    // of the ask that was last drawn as the selected one
	since  time.Time // since when the keys that answer it sleep
	about  string    // id of the ask that scope and match were chosen for
	scope  string
	match  string
	marks  map[string]bool // ids of asks
	why    bool
	past   pastRule
	ended  endedAsk // see denialOf
	step   askStep
	allow  bool    // of askAll
	target string  // id of the ask that a step is about
	answer Answer  // of askAllow: what y gives
	rule   Preview // of askAlways: what y writes
	ids    []string
	note   Editor
	cut    bool // the rule is not in sight whole
	opened bool // the pane was opened over the screen to show it
}

// PreviewKey names what a Preview is about.
type PreviewKey struct{ ID, Match string }

// Preview is what "always" would write, or why it would not.
type Preview struct {
	Where   string   // "config.yaml:12"
	List    string   // key of the list that it stands in
	Lines   []string // of the file that change, each with + or - before it
	Matches []string // how far it may go
	Problem string
}

// Doze puts the keys that answer to sleep: the inbox is not in sight, or typed
// text went astray.
func (v *DenialsView) Doze() { v.ask.id = "" }

// At is the id of the ask that waits and is in sight, selected; empty: none is.
func (v *DenialsView) At() string {
	if a := v.selectedAsk(); a != nil && a.State == event.AskWaiting && v.ask.id == a.ID {
		return a.ID
	}
	return ""
}

// Dozes reports whether an ask is in sight whose keys will wake by themselves.
func (v *DenialsView) Dozes() bool {
	return v.ask.id != "" && v.data.Instant.Sub(v.ask.since) < ArmDelay
}

// looks is called before the view is drawn, when it is known what is selected: what was
// chosen for another ask is not for this one.
func (v *DenialsView) looks() {
	if v.ask.past.of != v.list.Selected() {
		v.ask.past = pastRule{}
	}
	switch a := v.selectedAsk(); {
	case a == nil:
		v.ask.about = ""
	case v.ask.about != a.ID && v.ask.step == askNone:
		v.ask.about, v.ask.scope, v.ask.match = a.ID, "", ""
	}
}

// looked is called when the view was drawn: from then on the selected ask is in
// sight.
func (v *DenialsView) looked() {
	a := v.selectedAsk()
	if a == nil {
		v.ask.id = ""
		return
	}
	if v.ask.id != a.ID {
		v.ask.id, v.ask.since = a.ID, v.data.Instant.Add(v.data.Flight)
	}
}

// awake reports whether a key may answer the ask now. A key that comes too early
// is swallowed and begins the wait anew, so one that is held down never answers.
func (v *DenialsView) awake(a *event.Ask) bool {
	if v.ask.id == a.ID && v.data.Instant.Sub(v.ask.since) >= ArmDelay {
		return true
	}
	if v.ask.id != a.ID || v.ask.since.Before(v.data.Instant) {
		v.ask.since = v.data.Instant
	}
	v.ask.id = a.ID
	return false
}

// scopes are how long an answer to an ask may hold; none: it is answered.
func scopes(a *event.Ask) []string {
	list := make([]string, 0, 3)
	switch a.State {
	case event.AskWaiting:
		list = append(list, scopeOnce, scopeRun)
	case event.AskMissed, event.AskGone:
		list = append(list, scopeRun)
	case event.AskPast:
		return append(list, scopeAlways)
	default:
		return nil
	}
	if a.NoAlways == "" {
		list = append(list, scopeAlways)
	}
	return list
}

// The scopes and the narrowest match, as the gateway calls them.
const (
	scopeOnce, scopeRun, scopeAlways = "once", "run", "always"
	matchExact                       = "exact"
)

func (v *DenialsView) scope(a *event.Ask) string {
	list := scopes(a)
	if slices.Contains(list, v.ask.scope) || len(list) == 0 {
		return v.ask.scope
	}
	return list[0]
}

func (v *DenialsView) match(a *event.Ask) string {
	if v.scope(a) != scopeOnce && slices.Contains(a.Matches, v.ask.match) {
		return v.ask.match
	}
	return matchExact
}

// after is the word that follows another in a list, round and round.
func after(list []string, word string) string {
	if len(list) == 0 {
		return ""
	}
	return list[(slices.Index(list, word)+1)%len(list)]
}

func (v *DenialsView) selectedAsk() *event.Ask {
	row := v.selectedRow()
	switch {
	case row == nil:
		return nil
	case row.ask == nil && v.ask.past.denial == row.denial.ID:
		return v.pastAsk(row.denial)
	}
	return row.ask
}

// decide handles the actions about asks.
func (v *DenialsView) decide(id ID) (Action, bool) {
	a := v.selectedAsk()
	switch id {
	case ActWhy:
		v.ask.why, v.top = !v.ask.why, 0
		return v.Wants(), true
	case ActNextAsk:
		v.next()
		return Action{}, true
	case ActUndo:
		return v.undo(a), true
	case ActScope, ActMatch, ActMark, ActAllow, ActDeny, ActNote, ActAllowAll, ActDenyAll:
	default:
		return Action{}, false
	}
	if v.data.ReadOnly {
		return Action{}, true
	}
	if a == nil && (id == ActAllow || id == ActMatch) {
		v.openPast()
		return v.Wants(), true
	}
	if id == ActAllow && a.State == event.AskDenied && v.openPast() {
		return v.Wants(), true
	}
	if why := v.pointless(id, a); why != "" {
		return Action{Verb: VerbTell, Text: why}, true
	}
	if a == nil {
		return v.Wants(), true
	}
	switch id {
	case ActScope:
		v.ask.scope = after(scopes(a), v.scope(a))
	case ActMatch:
		if v.scope(a) == scopeOnce { // an answer for once is about this call alone
			v.ask.scope = after(scopes(a), scopeOnce)
		}
		v.ask.match = after(a.Matches, v.match(a))
	case ActMark:
		if a.State == event.AskWaiting {
			v.ask.marks[a.ID] = !v.ask.marks[a.ID]
		}
		v.recount()
		v.list.Move(ActDown, v.id)
	case ActAllow:
		return v.allow(a), true
	case ActDeny:
		if a.State == event.AskWaiting && v.awake(a) {
			return Action{Verb: VerbDecide, Answers: []Answer{{ID: a.ID}}}, true
		}
	case ActNote:
		if a.State == event.AskWaiting {
			v.ask.note.Wipe()
			v.ask.note.Max = 400
			v.ask.step, v.ask.target = askNote, a.ID
		}
	case ActAllowAll, ActDenyAll:
		v.all(a, id == ActAllowAll)
	default:
	}
	return v.Wants(), true
}

// pointless says why an action about the selected row can do nothing; empty: it can.
// a is nil where the row is a denial that no rule was asked for yet.
func (v *DenialsView) pointless(id ID, a *event.Ask) string {
	if id == ActMark || id == ActAllowAll || id == ActDenyAll {
		return "" // they are about those that wait, wherever they stand
	}
	switch {
	case a == nil && v.inbox.get(v.list.Selected()) == nil:
		return ""
	case a == nil:
		return v.data.T("a rule refused it, and nobody waits for an answer; {asks.allow} shows the rule that would allow it")
	case a.State == event.AskWaiting:
		return ""
	case id == ActAllow && a.State == event.AskDenied:
		return v.data.T("it was denied, and the denial is not listed, or not yet: only a listed one can become a rule; {config.edit} opens the config at its rule")
	case len(scopes(a)) == 0:
		return v.data.T("it is answered already; {config.edit} opens the config at its rule")
	case id == ActDeny || id == ActNote:
		return v.data.T("it was denied, and nobody waits any more; {asks.allow} makes a rule for the next time")
	}
	return ""
}

func (v *DenialsView) allow(a *event.Ask) Action {
	scope := v.scope(a)
	if len(scopes(a)) == 0 || !v.awake(a) {
		return Action{}
	}
	if scope == scopeAlways {
		switch p, known := v.data.Previews[PreviewKey{a.ID, v.match(a)}]; {
		case !known || p.Problem != "":
		case v.ask.cut && !v.full:
			v.full, v.inPane, v.top, v.ask.opened = true, true, 0, true // nothing is written that was not shown
		default:
			v.ask.step, v.ask.target, v.ask.rule = askAlways, a.ID, p // it is in sight
		}
		return v.Wants()
	}
	answer := Answer{ID: a.ID, Allow: true, Scope: scope, Match: v.match(a)}
	if v.confirms(&answer) {
		v.ask.step, v.ask.target, v.ask.answer = askAllow, a.ID, answer
		return v.Wants()
	}
	return Action{Verb: VerbDecide, Answers: []Answer{answer}}
}

// all asks about the marked asks or, without marks, all that wait of the same agent
// and kind and are not hidden, by a filter or because the list stands still. It answers
// each for once: how far more goes is for one alone.
func (v *DenialsView) all(a *event.Ask, allow bool) {
	if !v.awake(a) {
		return
	}
	marked := false
	for _, on := range v.ask.marks {
		marked = marked || on
	}
	v.ask.ids = v.ask.ids[:0]
	for i := range v.inbox.waits {
		w := v.inbox.waits[i].ask
		if marked && v.ask.marks[w.ID] || !marked && w.Agent == a.Agent && w.Class == a.Class && v.order.shows(i) && v.passes(i, v.rowText) {
			v.ask.ids = append(v.ask.ids, w.ID)
		}
	}
	if len(v.ask.ids) > 0 {
		v.ask.step, v.ask.allow = askAll, allow
	}
}

func (v *DenialsView) undo(a *event.Ask) Action {
	if v.data.ReadOnly {
		return Action{}
	}
	if a == nil || a.State != event.AskAllowed || !a.UndoUntil.After(v.data.Now) {
		a = v.data.Undoable()
	}
	if a == nil {
		return Action{Verb: VerbTell, Text: v.data.T("nothing can be taken back: only what an answer allowed, for 30 seconds")}
	}
	return Action{Verb: VerbUndo, Name: a.ID}
}

// next selects the ask that waits below the selected row, or the first one.
func (v *DenialsView) next() {
	v.refresh()
	at := -1
	for i := range v.inbox.waits {
		if v.inbox.waits[i].id() == v.list.id {
			at = i
		}
	}
	if len(v.inbox.waits) == 0 {
		return
	}
	v.full, v.inPane, v.off = false, false, v.off || v.filtered()
	v.list.id, v.list.moved = v.inbox.waits[(at+1)%len(v.inbox.waits)].id(), true
	v.order.reveal(v.list.id)
}

// Wants is what the pane needs and does not have: what "always" would write, or
// the policy that a trace is made of.
func (v *DenialsView) Wants() Action {
	row := v.selectedRow()
	if row == nil {
		return Action{}
	}
	if v.ask.why {
		agent, _ := row.who()
		if _, have := v.data.Details[agent]; !have {
			return Action{Verb: VerbLoadAgent, Name: agent}
		}
	}
	if a := v.selectedAsk(); a != nil && v.scope(a) == scopeAlways && !v.data.ReadOnly {
		key := PreviewKey{a.ID, v.match(a)}
		if _, have := v.data.Previews[key]; !have {
			return Action{Verb: VerbPreview, Name: key.ID, Match: key.Match}
		}
	}
	return Action{}
}

func (r *inboxRow) who() (agent string, target string) {
	if r.ask != nil {
		return r.ask.Agent, r.ask.Target
	}
	return r.denial.Agent, r.denial.Target
}
