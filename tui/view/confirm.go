package view

import "openclaw/gateway/event"

// Confirm says which allows ask for y before they hold. What is written to a file does
// in any case, and what is for many, too.
const (
	ConfirmAlways  = "always"
	ConfirmNever   = "never"
	ConfirmOnWiden = "on-widen" // what reaches further than the call that waits; the default
)

// confirms reports whether an allow that writes nothing is asked about once more. A word
// that this version does not know asks.
func (v *DenialsView) confirms(answer *Answer) bool {
	switch v.data.Confirm {
	case ConfirmNever:
		return false
	case ConfirmOnWiden, "":
		return answer.Scope != scopeOnce || answer.Match != matchExact
	}
	return true
}

// askStep is a question that is open.
type askStep int

const (
	askNone   askStep = iota
	askAllow          // allow this?
	askAlways         // write this rule?
	askAll            // answer all these?
	askNote           // the words of a denial
)

// Question is what y would do now; empty: nothing is asked.
func (v *DenialsView) Question() string {
	switch v.ask.step {
	case askAllow:
		if v.ask.answer.Scope == scopeRun {
			return v.data.T("Allow it until the run ends?")
		}
		return v.data.T("Allow it once?")
	case askAlways:
		return v.data.T("Write %s into %s, %s?", v.ask.rule.value(), v.ask.rule.List, v.ask.rule.Where)
	case askAll:
		if v.ask.allow {
			return v.data.T("Allow once %s?", v.data.N(len(v.ask.ids), "request"))
		}
		return v.data.T("Deny %s?", v.data.N(len(v.ask.ids), "request"))
	case askNone, askNote:
	}
	return ""
}

// askKey takes what is typed while a question is open. Only y says yes, and
// pasted text answers nothing.
func (v *DenialsView) askKey(k Key) Action {
	step := v.ask.step
	if step == askNote {
		return v.noteKey(k)
	}
	yes := k.Name == "" && !k.Paste && len(k.Text) == 1 && k.Text[0] == 'y'
	v.ask.step = askNone
	if !yes {
		return Action{}
	}
	if step == askAll {
		action := Action{Verb: VerbDecide}
		for _, id := range v.ask.ids {
			if a := v.data.Asks.Get(id); a != nil && a.State == event.AskWaiting {
				action.Answers = append(action.Answers, Answer{ID: id, Allow: v.ask.allow})
			}
		}
		clear(v.ask.marks)
		return action
	}
	a := v.selectedAsk()
	if a == nil || a.ID != v.ask.target {
		return Action{}
	}
	if step == askAllow {
		if v.scope(a) != v.ask.answer.Scope || v.match(a) != v.ask.answer.Match {
			return Action{} // it ended meanwhile, and something else is offered
		}
		return Action{Verb: VerbDecide, Answers: []Answer{v.ask.answer}}
	}
	if p, known := v.data.Previews[PreviewKey{a.ID, v.match(a)}]; v.scope(a) != scopeAlways || !known || !p.same(&v.ask.rule) {
		return v.Wants() // the config is another one by now, and the rule was shown for the one before
	}
	if v.ask.opened {
		v.full, v.inPane, v.ask.opened = false, false, false
	}
	return Action{Verb: VerbDecide, Answers: []Answer{{ID: a.ID, Allow: true, Scope: scopeAlways, Match: v.match(a)}}}
}

func (v *DenialsView) noteKey(k Key) Action {
	switch k.Name {
	case "esc", "ctrl+c":
		v.ask.step = askNone
		v.ask.note.Wipe()
	case "enter":
		v.ask.step = askNone
		note := v.ask.note.Text()
		v.ask.note.Wipe()
		return Action{Verb: VerbDecide, Answers: []Answer{{ID: v.ask.target, Note: note}}}
	default:
		v.ask.note.Key(k)
	}
	return Action{}
}
