package policy

import (
	"encoding/json"
	"fmt"
	"reflect"

	"openclaw/sandbox/positional"
)

// Shape is the same in two programs whose policies have the same fields: these read
// what the other packed.
func Shape() string { return positional.Shape(reflect.TypeFor[Policy]()) }

// MarshalJSON writes what a policy is without it. That there is one spares every message
// with a policy in it, also one that leaves it out, from finding out about the whole
// type: half a millisecond as a program starts.
func (p *Policy) MarshalJSON() ([]byte, error) {
	type fields Policy
	return json.Marshal((*fields)(p))
}

// Pack writes a policy in a form that a program of the same Shape reads in a tenth of
// the time that its JSON takes it as it starts.
func (p *Policy) Pack() ([]byte, error) {
	data, err := positional.Append(nil, p)
	if err != nil {
		return nil, fmt.Errorf("pack policy: %w", err)
	}
	return data, nil
}

// Unpack reads what Pack wrote.
func Unpack(data []byte) (*Policy, error) {
	p := new(Policy)
	if err := positional.Read(data, p); err != nil {
		return nil, fmt.Errorf("unpack policy: %w", err)
	}
	return p, nil
}
