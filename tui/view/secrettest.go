package view

import (
	"strings"

	"openclaw/gateway/event"
)

// TestText says what a test of a secret found. That a secret resolves is not yet that it
// works: only a provider knows that.
func TestText(w *Words, t *event.SecretTest) string {
	var text string
	switch {
	case !t.OK:
		if text = w.T("does not work"); t.Problem != "" {
			text += ": " + t.Problem
		}
	case len(t.Unknown) > 0:
		text = w.T("resolves: found in the %s; whether it is taken is not known: %s", t.Source, strings.Join(t.Unknown, ", "))
	case len(t.Taken) > 0:
		text = w.T("works: found in the %s, taken by %s", t.Source, strings.Join(t.Taken, ", "))
	default:
		text = w.T("resolves: found in the %s; no provider uses it, so none was asked", t.Source)
	}
	return Printable(text, 600)
}
