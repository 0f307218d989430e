package wire

import "openclaw/sandbox/policy"

// With is the answer with a policy, packed for a client that reads it so: reading the
// JSON of a policy is a tenth of what a run takes to start.
func (s RunStarted) With(p *policy.Policy, shape string) RunStarted {
	if shape != "" && shape == policy.Shape() {
		if packed, err := p.Pack(); err == nil {
			s.Packed = packed
			return s
		}
	}
	s.Policy = p
	return s
}

// Unpack puts the policy in its place, if it came packed.
func (s *RunStarted) Unpack() error {
	if s.Policy != nil || len(s.Packed) == 0 {
		return nil
	}
	var err error
	s.Policy, err = policy.Unpack(s.Packed)
	s.Packed = nil
	return err
}
