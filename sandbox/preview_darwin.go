package sandbox

import "openclaw/sandbox/policy"

// PreviewOf is what a cage would make of a policy on this machine now, where that is not
// every rule as it is written.
func PreviewOf(p *policy.Policy) Preview {
	opened, unmet, err := newResolutions().unplanted(p)
	if err != nil {
		return Preview{Policy: p, Refused: err}
	}
	return Preview{Policy: opened, Unmet: unmet}
}
