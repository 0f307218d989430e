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
	if text[min(body, len(text)-1)] == ' ' && !bytes.Contains(text[body:stop], []byte("  ")) && longest(text[body:stop], alphanumeric|padding) < 16 && !closed {
		return span{from: start, start: body, end: stop}, false, false // -----BEGIN PRIVATE KEY----- is missing
	}
	if end := bytes.Index(text[body:min(len(text), body+webKeyReach)], []byte("-----END")); end > 0 && stop < body+end && run(bytes.Map(quotesAway, text[body:body+end]), 0, alphanumeric|padding) > 16 {
		return span{from: start, start: body, end: body + end}, false, true // a list of its lines
	}
	if text[len(text)-1] != '\n' && stop-body < 2 && len(text)-body < webKeyReach {
		return span{from: start, start: body, end: len(text)}, false, false // the list may go on
	}
	if stop < len(text) && text[stop] == '"' && longest(text[body:stop], alphanumeric|padding) < 2 {
		return span{from: start, start: body, end: body}, text[len(text)-1] == '\n', true // each line of it in JSON
	}
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
	if bytes.HasPrefix(trimmed, []byte("-----END")) || bytes.HasPrefix(trimmed, []byte("Private-MAC:")) {
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

// quotesAway drops what stands between the lines of a list.
func quotesAway(r rune) rune {
	switch r {
	case '\'', '"', ',', ' ', '\\', '[', ']', '+', '\n':
		return -1
	}
	return r
}

// longest is the size of the longest run of mask in text.
func longest(text []byte, mask uint16) (most int) {
	for i := 0; i < len(text); i++ {
		end := run(text, i, mask)
		most = max(most, end-i)
		i = end
	}
	return most
}

// armourField reads a line inside a key's body whose lines have column bytes before
// them, as armourLine does: the body is what stands there, or the last of the
// fields that is base64.
func armourField(line []byte, column int) (found span, goesOn bool) {
	if bytes.Contains(line, []byte("-----END")) || bytes.Contains(line, []byte("-----BEGIN")) {
		return span{}, false
	}
	if end := len(bytes.TrimRight(line, " \t\r\n")); end > column && run(line, column, alphanumeric|padding) == end {
		return span{from: column, start: column, end: end}, true
	}
	for end := len(line); end > 0; {
		for end > 0 && !is(line[end-1], alphanumeric|padding) {
			end--
		}
		start := end
		for start > 0 && is(line[start-1], alphanumeric|padding) {
			start--
		}
		before := start
		if start > 0 && line[start-1] == '\\' && start < end { // the letter of an escape
			start++
		}
		if end-start >= 40 {
			return span{from: start, start: start, end: end}, true
		}
		if end-start >= 4 && len(bytes.Trim(line[end:], " \t\r\n\"'\\,n")) == 0 && (end-start >= 16 || count(line[start:end], digit|padding) > 0) {
			return span{from: start, start: start, end: end}, end-start >= 8 // the last line is short
		}
		end = before
	}
	return span{}, len(bytes.TrimRight(line, " \t\r\n>|")) == 0
}
