package redact

import (
	"bytes"
	"cmp"
	"slices"
)

// Exact finds given values, in every encoding in which Add finds them, and
// nothing else. It is for text that must come through unchanged but for them: a
// provider's answer, whose reader acts on every byte. It is safe for
// concurrent use.
type Exact struct{ known *known }

// NewExact returns an Exact of values, which it copies; the copies cannot be
// wiped. One of fewer than 6 bytes is left out; any other is found wherever it
// stands, so it must be a secret and not a word.
func NewExact(values ...[]byte) *Exact {
	var list []string
	for _, value := range values {
		if len(bytes.TrimSpace(value)) < minValue {
			continue
		}
		list = append(list, needles(value)...)
	}
	return &Exact{newKnown(list)}
}

// Find calls found for each stretch of text that is a value, in order: the
// first that begins, the longest of those that begin there, and then what
// begins behind it. Text that comes in pieces is so found as it is whole.
func (x *Exact) Find(text []byte, found func(start, end int)) {
	var store [8]span
	spans := x.known.find(text, 0, store[:0])
	slices.SortFunc(spans, func(a, b span) int { return cmp.Or(a.start-b.start, b.end-a.end) })
	end := 0
	for _, s := range spans {
		if s.start >= end {
			found(s.start, s.end)
			end = s.end
		}
	}
}

// Open returns the first position from which text may still grow into a value;
// len(text) if there is none.
func (x *Exact) Open(text []byte) int { return x.known.open(text, false) }
