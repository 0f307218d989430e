package keychain

import (
	"fmt"
	"log/slog"
)

// mask is what a Secret shows of itself.
const mask = "••••"

// Secret is a value that no verb, encoder or log prints. The zero value is
// empty. Reveal is the only way to the bytes.
//
// A Secret holds one copy, shared by every copy of the Secret. Copies that
// others make of it (an HTTP header, a D-Bus message) cannot be wiped from
// here.
type Secret struct {
	// A closure, because fmt does not call the methods of an unexported field
	// of a larger value: it would print a slice's bytes and, under a wrong
	// verb, also what a pointer points to. Of a function it has the address
	// only, and so have the printers that work by reflection.
	reveal func() []byte
}

// NewSecret takes ownership of b: the caller must not use b afterwards.
func NewSecret(b []byte) Secret { return Secret{reveal: func() []byte { return b }} }

// Reveal returns the bytes themselves, not a copy. Call it where the value
// leaves for its destination and nowhere else.
func (s Secret) Reveal() []byte {
	if s.reveal == nil {
		return nil
	}
	return s.reveal()
}

// Len returns the length in bytes.
func (s Secret) Len() int { return len(s.Reveal()) }

// Empty reports whether there is no value.
func (s Secret) Empty() bool { return s.Len() == 0 }

// Wipe overwrites the value with zeros, for every copy of this Secret.
func (s Secret) Wipe() { clear(s.Reveal()) }

// Clone returns a Secret with a copy of the bytes.
func (s Secret) Clone() Secret { return NewSecret(append([]byte(nil), s.Reveal()...)) }

// String returns bullets.
func (s Secret) String() string { return mask }

// GoString returns bullets.
func (s Secret) GoString() string { return mask }

// Format writes bullets for every verb and flag.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(mask)) }

// MarshalText returns bullets, so that JSON, YAML and XML print them.
func (s Secret) MarshalText() ([]byte, error) { return []byte(mask), nil }

// LogValue returns bullets for slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(mask) }
