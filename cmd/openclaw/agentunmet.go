package main

import (
	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// shown is a policy as JSON, with what a cage would make of it on this machine now.
func shown(p *policy.Policy, seen sandbox.Preview) any {
	type fields policy.Policy // without its way to write itself, which would be that of the whole
	out := struct {
		*fields
		Unmet   []policy.Unmet `json:"unmet,omitempty"`
		Refused string         `json:"refused,omitempty"` // why the agent does not start
	}{fields: (*fields)(p), Unmet: seen.Unmet}
	if seen.Refused != nil {
		out.Refused = seen.Refused.Error()
	}
	return out
}

// showRefused says why an agent would not start.
func (t *terminal) showRefused(seen sandbox.Preview) {
	if seen.Refused == nil {
		return
	}
	t.print("start      refused: %s", printable(seen.Refused.Error()))
	if hint := hintOf(seen.Refused); hint != "" {
		t.print("           %s", printable(hint))
	}
}

// showUnmet lists the rules that are not carried out as they are written, in the words
// of a run's report.
func (t *terminal) showUnmet(seen sandbox.Preview) {
	if len(seen.Unmet) == 0 {
		return
	}
	t.print("not as written, for what is there now:")
	for i := range seen.Unmet {
		t.print("  %s", printable(because(seen.Unmet[i].String(), seen.Unmet[i].Origin)))
	}
}
