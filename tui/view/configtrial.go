package view

import (
	"strings"

	"openclaw/gateway/event"
)

// TrialText says what reading the config file now would come to: the first problem with
// its place, or what would come into force.
func TrialText(w *Words, t *event.ConfigTrial) string {
	const most = 3
	switch {
	case t.Refused && len(t.Problems) > 0:
		p := &t.Problems[0]
		at := base(p.File)
		if p.Line > 0 {
			at += ":" + itoa(p.Line) + ":" + itoa(p.Column)
		}
		if p.Key != "" {
			at += ": " + p.Key
		}
		text := at + ": " + p.Message
		if more := len(t.Problems) - 1; more > 0 {
			text = w.T("%s, and %s more", text, itoa(more))
		}
		return Printable(w.T("would be refused: %s", text), 600)
	case t.Refused:
		return Printable(w.T("would be refused: %s", t.Path), 600)
	}
	warnings := w.N(len(t.Problems), "warning")
	if len(t.Changes) == 0 {
		return w.T("valid, and what is active; %s", warnings)
	}
	changes := strings.Join(t.Changes[:min(len(t.Changes), most)], ", ")
	if more := len(t.Changes) - most; more > 0 {
		changes = w.T("%s, and %s more", changes, itoa(more))
	}
	return Printable(w.T("valid, and not in force yet: %s; %s", changes, warnings), 600)
}
