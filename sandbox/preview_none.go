//go:build !linux && !darwin

package sandbox

import "openclaw/sandbox/policy"

// PreviewOf is every rule as it is written: there is no cage on this system.
func PreviewOf(p *policy.Policy) Preview { return Preview{Policy: p} }
