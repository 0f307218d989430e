package redact

import "bytes"

// skipColour passes over the colours of a terminal, as bytes or as JSON, Go or
// C write them: ESC [ 0 ; 31 m.
func skipColour(text []byte, p int) int {
	for range 4 {
		if p >= len(text) || text[p] != 0x1b && text[p] != '\\' {
			return p
		}
		q := p
		switch {
		case q < len(text) && text[q] == 0x1b:
			q++
		case hasPrefix(text, q, `\u001b`):
			q += len(`\u001b`)
		case hasPrefix(text, q, `\x1b`), hasPrefix(text, q, `\033`):
			q += len(`\x1b`)
		default:
			return p
		}
		if q == len(text) || text[q] != '[' {
			return p
		}
		for q++; q < len(text) && (is(text[q], digit) || text[q] == ';' || text[q] == ':'); {
			q++
		}
		if q == len(text) || text[q] != 'm' {
			return p
		}
		p = q + 1
	}
	return p
}

func skipSpace(text []byte, p int) int {
	for stop := min(p+8, len(text)); p < stop && (text[p] == ' ' || text[p] == '\t'); {
		p++
	}
	return p
}

// quote is an opening quote and how often it is escaped: 1 for \" inside a
// JSON string, 3 for \\\" inside a JSON string in a JSON string.
type quote struct {
	char   byte
	level  int
	entity bool // &quot; or %22: closes with an entity too
}

func skipQuote(text []byte, p int) (quote, int) {
	if p < 0 || p >= len(text) || classes[text[p]]&opening == 0 {
		return quote{}, p
	}
	q := p
	for q < len(text) && text[q] == '\\' && q-p < 16 {
		q++
	}
	if q < len(text) && (text[q] == '"' || text[q] == '\'' || text[q] == '`') {
		return quote{char: text[q], level: q - p}, q + 1
	}
	for _, entity := range [...]string{"&quot;", "&#34;", "&#39;", "%22", `\u0022`} {
		if hasPrefix(text, p, entity) {
			return quote{char: '"', entity: true}, p + len(entity)
		}
	}
	return quote{}, p
}

var schemes = prefixesOf("bearer", "basic", "digest", "token", "negotiate", "apikey", "api-key", "oauth", "hawk", "bot", "splunk", "key")

// skipScheme passes over the word before the credentials of a header.
func skipScheme(text []byte, p int) int {
	if q := schemes.at(text, p); q > p {
		if hasPrefix(text, q, "%20") {
			return q + 3
		}
		if s := skipSpace(text, q); s > q {
			return s
		}
	}
	return skipAnyScheme(text, p)
}

// skipAnyScheme passes over a scheme that nobody listed, and over the identity before
// the secret: GenieKey x, SharedKey account:x, AWS4-HMAC-SHA256 Credential=….
func skipAnyScheme(text []byte, p int) int {
	end := run(text, p, wordDash)
	if end-p < 3 || end+1 >= len(text) || text[end] != ' ' || !is(text[p], lower|upper) {
		return p
	}
	stop := end + 1
	for stop < len(text) && text[stop] > ' ' && text[stop] != '"' && text[stop] != '\'' && text[stop] != ',' && text[stop] != '\\' {
		stop++
	}
	v := text[end+1 : stop]
	if n := bytes.IndexByte(v, ':'); n > 0 && n+1 < len(v) && random(v[n+1:]) {
		return end + 1 + n + 1
	}
	if len(v) >= 16 && random(v) {
		return end + 1
	}
	return p
}

// skipDigestName passes over what names a signature's algorithm or version: sha256=x,
// t=1764500000,v1=x.
func skipDigestName(text []byte, p int) int {
	for range 3 {
		end := run(text, p, lower|digit|dash)
		if end == p || end-p > 12 || end >= len(text) || text[end] != '=' {
			return p
		}
		p = end + 1
		if number := run(text, p, digit); number > p && number < len(text) && text[number] == ',' {
			p = number + 1
		}
	}
	return p
}

// valueEnd returns where the value that starts at p ends.
func valueEnd(text []byte, p int, q quote, environment, header bool) int {
	switch {
	case q.entity:
		for i := p; i < len(text); i++ {
			if _, next := skipQuote(text, i); next > i {
				return i
			}
		}
		return len(text)
	case q.char != 0:
		return closingQuote(text, p, q)
	}
	i := p
	for ; i < len(text); i++ {
		switch c := text[i]; c {
		case '\t', '\r', '\n', '"', '\'', '`', '\\', 0x1b:
			return i
		case ' ':
			return i
		case ',', ';', ')', ']', '}', '&', '(', '<', '>', '{', '[', '|':
			if environment && i+1 < len(text) && text[i+1] > ' ' && text[i+1] != '"' && text[i+1] != '\'' && text[i+1] != '\\' {
				continue // a shell's NAME=value ends only at white space
			}
			return i
		case '%':
			if hasPrefix(text, i, "%26") || hasPrefix(text, i, "%22") || hasPrefix(text, i, "%20") || hasPrefix(text, i, "%0a") {
				return i
			}
		default:
			if c >= 0x80 && markSize(text, i) > 0 {
				return i
			}
			if c == '.' && !header && i > p && (i+1 == len(text) || text[i+1] == ' ') {
				return i
			}
		}
	}
	return i
}

// closingQuote finds the quote that closes q: escaped as often as the opening
// one, or less often, which ends the string around.
func closingQuote(text []byte, p int, q quote) int {
	slashes := 0
	for i := p; i < len(text); i++ {
		switch text[i] {
		case '\\':
			slashes++
			continue
		case q.char:
			if slashes <= q.level || slashes%(2*(q.level+1)) == q.level {
				return i - min(slashes, q.level)
			}
		case '"':
			if slashes == 0 && q.char != '"' && q.level == 0 && p > 0 {
				// 'text in a JSON string that never closes its own quote'
				if !closesLater(text, i, q.char) {
					return i
				}
			}
		}
		slashes = 0
	}
	return len(text)
}

func closesLater(text []byte, i int, char byte) bool {
	for ; i < len(text); i++ {
		if text[i] == char {
			return true
		}
	}
	return false
}

func isReplaced(text []byte, p int, replacement string) bool {
	if len(text)-p >= len(replacement) && string(text[p:p+len(replacement)]) == replacement {
		return true
	}
	return hasPrefix(text, p, "[redacted") || hasPrefix(text, p, "__openclaw_redacted__")
}
