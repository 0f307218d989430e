package redact

import "bytes"

// A bridge is what programs and people put between a name and its value besides
// a separator: a call (setPassword("x"), String::from("x")), a default (|| "x", ?? "x",
// default="x"), an object ({"value":"x"}), an arrow, "is". Behind one only a value
// that looks random is one.

// longestBridge bounds how far a value is looked for, in bytes.
const longestBridge = 48

// bridge returns where a value may begin behind a name that ended before p, or
// behind the separator last. ok is false if there is none, or nothing between
// them.
func bridge(text []byte, p int, last byte) (next int, ok bool) {
	start := p
	for stop := min(len(text), p+longestBridge); p < stop; {
		c := text[p]
		switch {
		case c == ' ', c == '\t':
			p++
			continue
		case hasPrefix(text, p, "→"), hasPrefix(text, p, "⇒"):
			last, p = '>', p+len("→")
			continue
		case c == '"', c == '\'', c == '`', c == '\\':
			// Quotes around the name close, those around the value open; of those
			// inside, only around a word of the bridge.
			q, after := skipQuote(text, p)
			if q.char == 0 {
				return 0, false
			}
			if host := hostName(text, after, q); host > after {
				last, p = c, host
				continue
			}
			if after == len(text) || opens(text, after) {
				return p, last != 0
			}
			last, p = c, after
			continue
		case hasPrefix(text, p, "<<\""): // Erlang
			p += len("<<")
			continue
		case c == '(', c == ')', c == '[', c == ']', c == '{', c == '|', c == '?', c == ':', c == '=', c == '>', c == '-', c == ',':
			last, p = c, p+1
			continue
		case !is(c, word):
			return 0, false
		}
		end := run(text, p, word)
		if opensLiteral(text, end) && (last == ':' || last == '=' || last == '>' || last == ']' || last == '{') {
			last, p = 'a', end
			continue
		}
		if bridgeWord(text[p:end]) || callee(text, end) && (last == ':' || last == '=' || last == '>' || last == ']') {
			last, p = 'a', end
			continue
		}
		return p, last != 0 && p > start && text[p-1] != '-' && text[p-1] != '[' && last != ','
	}
	return 0, false
}

// hostName passes over a host's name in quotes that is itself a name, and over its
// sign: {"github.com":"x"}. It returns p if there is none.
func hostName(text []byte, p int, q quote) int {
	end := run(text[:min(len(text), p+longestBridge)], p, lower|digit|dash|dot)
	if end-p < 4 || bytes.IndexByte(text[p:end], '.') < 0 {
		return p
	}
	closed, next := skipQuote(text, end)
	if closed.char != q.char || next == end {
		return p
	}
	if next = skipSpace(text, next); next < len(text) && text[next] == ':' {
		return next + 1
	}
	return p
}

// opens reports whether what stands at p is a value and not a word of a bridge
// or a mark.
func opens(text []byte, p int) bool {
	if text[p] == '-' && p+1 < len(text) && is(text[p+1], word) { // a random value may begin so
		return true
	}
	switch text[p] {
	case ' ', '\t', ')', ']', '}', '|', '?', ':', '=', '>', '-', ',', '"', '\'', '`', '\\':
		return false
	}
	end := run(text, p, word)
	return !bridgeWord(text[p:end])
}

// callee reports whether what ends at p is called, or the path of what is.
func callee(text []byte, p int) bool {
	return p < len(text) && text[p] == '(' || hasPrefix(text, p, "::")
}

// opensLiteral reports whether what ends at p is the type of a value in braces:
// []string{, HeaderValue { inner: String(.
func opensLiteral(text []byte, p int) bool {
	return p < len(text) && (text[p] == '{' || hasPrefix(text, p, " { ") || hasPrefix(text, p, ": ") && p+2 < len(text) && is(text[p+2], upper))
}

// bridgeWord reports whether text is a word that stands in one.
func bridgeWord(text []byte) bool {
	var folded [len("string_value")]byte
	if len(text) > len(folded) {
		return false
	}
	for i, c := range text {
		folded[i] = fold(c)
	}
	switch string(folded[:len(text)]) {
	case "is", "was", "value", "default", "body", "stringvalue", "string_value", "s", "new", "some", "from", "set", "to", "changed", "updated", "now":
		return true
	}
	return false
}
