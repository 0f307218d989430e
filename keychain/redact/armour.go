package redact

import "bytes"

// armour finds private keys in PEM, PGP and OpenSSH form. In files they go
// over many lines; in JSON they are one line with escaped newlines.

// armourStart judges a hit of "-----begin ". It returns where the key's body
// starts, and the span of the body as far as the line has it. open says that
// the line ended first.
func armourStart(text []byte, start, end int) (found span, open, ok bool) {
	label := run(text, end, upper|digit)
	for label < len(text) && text[label] == ' ' {
		label = run(text, label+1, upper|digit)
	}
	if label-end > 64 || !bytes.Contains(text[end:label], []byte("PRIVATE KEY")) || !bytes.HasPrefix(text[label:], []byte("-----")) {
		return span{}, false, false
	}
	body := label + len("-----")
	stop, closed := armourBody(text, body)
	return span{from: start, start: body, end: stop}, !closed && len(bytes.TrimSpace(text[stop:])) == 0, true
}

// armourBody returns the end of a key's body that goes on at i, and whether
// its end mark follows.
func armourBody(text []byte, i int) (stop int, closed bool) {
	for i < len(text) {
		c := text[i]
		switch {
		case is(c, alphanumeric|padding), c == ' ', c == '\t', c == '\r', c == '\n', c == '\\', c == ':', c == ',', c == '.', c == '(', c == ')':
			// base64, and headers such as "Proc-Type: 4,ENCRYPTED"
			i++
		case c == '-' && bytes.HasPrefix(text[i:], []byte("-----END")):
			return i, true
		case c == '-' && i+1 < len(text) && text[i+1] != '-':
			i++
		case c == '%' && percentEnds(text, min(i+3, len(text))):
			i += 3
		default:
			return i, false
		}
	}
	return i, false
}

// armourLine reads a whole line inside a key's body. It returns the span to
// replace, empty for a blank line, and whether the body goes on.
func armourLine(line []byte) (found span, goesOn bool) {
	trimmed := bytes.TrimSpace(line)
	if len(trimmed) == 0 {
		return span{}, true
	}
	start := bytes.Index(line, trimmed)
	if bytes.HasPrefix(trimmed, []byte("-----END")) {
		return span{}, false
	}
	stop, closed := armourBody(line, start)
	if closed {
		return span{from: start, start: start, end: stop}, false
	}
	header := bytes.Contains(trimmed, []byte(": "))
	if run(trimmed, 0, alphanumeric|padding) != len(trimmed) && !header || header && len(trimmed) > 100 {
		return span{}, false
	}
	if header {
		return span{}, true
	}
	return span{from: start, start: start, end: start + len(trimmed)}, true
}
