package redact

import (
	"bytes"
	"slices"
)

// span is one stretch of text to replace.
type span struct {
	from       int // where what made it a secret begins: the key's name, the prefix
	start, end int
	quote      bool // the replacement must be a JSON string
	level      uint8
}

func (s span) moved(offset int) span {
	s.from, s.start, s.end = s.from+offset, s.start+offset, s.end+offset
	return s
}

// merge sorts spans and joins those that overlap, in place. It returns how
// many are left.
func merge(spans []span) int {
	if len(spans) < 2 {
		return len(spans)
	}
	slices.SortFunc(spans, func(a, b span) int {
		if a.start != b.start {
			return a.start - b.start
		}
		return b.end - a.end
	})
	n := 0
	for _, s := range spans[1:] {
		last := &spans[n]
		if s.start >= last.end {
			n++
			spans[n] = s
			continue
		}
		if s.end != last.end || s.start != last.start {
			// Only a span that covers a whole bare value may bring quotes.
			last.quote = last.quote && s.end <= last.end
		} else {
			last.quote, last.level = last.quote || s.quote, max(last.level, s.level)
		}
		last.end, last.from = max(last.end, s.end), min(last.from, s.from)
	}
	return n + 1
}

// replace appends text with its spans replaced.
func (e *engine) replace(out, text []byte, spans []span) []byte {
	at := 0
	for _, s := range spans {
		out = append(out, text[at:s.start]...)
		out = e.mark(out, s)
		at = s.end
	}
	return append(out, text[at:]...)
}

func (e *engine) mark(out []byte, s span) []byte {
	if !s.quote {
		return append(out, e.replacement...)
	}
	delimiter := append(bytes.Repeat([]byte{'\\'}, int(s.level)), '"')
	out = append(out, delimiter...)
	out = append(out, e.replacement...)
	return append(out, delimiter...)
}
