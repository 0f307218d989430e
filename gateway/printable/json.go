package printable

import (
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON returns text, which is JSON in UTF-8, with every character that is not
// printable written as an escape, so that it says the same. Line ends and tabs
// between values stay, and so do bytes that are not UTF-8. text itself is
// returned when there is nothing to change.
func JSON(text []byte) []byte {
	from := next(text, 0)
	if from == len(text) {
		return text
	}
	out := make([]byte, 0, len(text)+64)
	for done := 0; ; {
		out = append(out, text[done:from]...)
		if from == len(text) {
			return out
		}
		r, size := utf8.DecodeRune(text[from:])
		if high, low := utf16.EncodeRune(r); high != unicode.ReplacementChar {
			out = escape(escape(out, high), low)
		} else {
			out = escape(out, r)
		}
		done = from + size
		from = next(text, done)
	}
}

// next is where the next character stands that has to be escaped.
func next(text []byte, from int) int {
	for i := from; i < len(text); {
		if text[i] < 0x7f {
			i++
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		if !unicode.IsPrint(r) {
			return i
		}
		i += size
	}
	return len(text)
}

func escape(out []byte, r rune) []byte {
	const digits = "0123456789abcdef"
	return append(out, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}
