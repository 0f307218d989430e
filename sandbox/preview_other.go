//go:build !linux

package sandbox

import "openclaw/sandbox/policy"

// PreviewOf is what a cage would make of a policy on this machine now: every rule as it is
// written.
func PreviewOf(p *policy.Policy) Preview { return Preview{Policy: p} }
