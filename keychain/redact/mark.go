package redact

import "bytes"

// skipMark passes over a quotation mark of another script than ASCII, and over a
// tag or an anchor of YAML.
func skipMark(text []byte, p int) int {
	if p < len(text) && text[p] >= 0x80 {
		return p + markSize(text, p)
	}
	for range 2 {
		if hasPrefix(text, p, "!unsafe ") {
			return p + len("!unsafe ")
		}
		if !hasPrefix(text, p, "!!str ") && (p+1 >= len(text) || text[p] != '&' || !is(text[p+1], lower|upper)) {
			return p
		}
		end := run(text, p+1, identifier)
		if text[p] == '!' {
			end = p + len("!!str")
		}
		if next := skipSpace(text, end); next > end && next < len(text) && text[next] > ' ' {
			p = next
			continue
		}
		return p
	}
	return p
}

// markSize is the size of a punctuation mark of another script that is at p: the
// block of CJK symbols, fullwidth forms of ASCII's marks, and quotation marks. 0 if
// none is.
func markSize(text []byte, p int) int {
	if p+1 < len(text) && text[p] == 0xc2 && (text[p+1] == 0xab || text[p+1] == 0xbb) { // « »
		return 2
	}
	if p+2 >= len(text) {
		return 0
	}
	b, c := text[p+1], text[p+2]
	switch text[p] {
	case 0xe2: // ‘ ’ “ ” „ ‹ ›
		if b == 0x80 && (c >= 0x98 && c <= 0x9f || c == 0xb9 || c == 0xba) {
			return 3
		}
	case 0xe3: // U+3000 to U+301F
		if b == 0x80 && c <= 0x9f {
			return 3
		}
	case 0xef: // U+FF01 to U+FF0F, U+FF1A to U+FF20, U+FF3B, U+FF3D, U+FF5B, U+FF5D
		if b == 0xbc && (c >= 0x81 && c <= 0x8f || c >= 0x9a && c <= 0xa0 || c == 0xbb || c == 0xbd) || b == 0xbd && (c == 0x9b || c == 0x9d) {
			return 3
		}
	}
	return 0
}

// bracedValue returns the end of a value of an ODBC string in braces that begins
// at p; 0 if it is none.
func bracedValue(text []byte, p int) int {
	if p >= len(text) || text[p] != '{' {
		return 0
	}
	for i := p + 1; i < len(text) && text[i] > ' ' && text[i] != '{' && text[i] != '"'; i++ {
		if text[i] == '}' {
			if i-p > 4 && (i+1 == len(text) || text[i+1] == ';' || text[i+1] == '"' || text[i+1] == '\'' || text[i+1] == '\\' || text[i+1] <= ' ') &&
				!bytes.ContainsAny(text[p:i], ":,=") && count(text[p:i], lower|upper) != i-p-1 {
				return i
			}
			return 0
		}
	}
	return 0
}

// framed passes over the bytes that MessagePack puts before a short text, as
// languages print them: \xa8, \xd9\x20. It returns p if there are none.
func framed(text []byte, p int) int {
	if !hasPrefix(text, p, `\x`) || p+4 > len(text) || !is(text[p+2], hexadecimal) || !is(text[p+3], hexadecimal) {
		return p
	}
	switch text[p+2] {
	case 'a', 'b', 'A', 'B', '0':
		return p + 4
	case 'd', 'D', 'c', 'C':
		for p+4 <= len(text) && hasPrefix(text, p, `\x`) && is(text[p+2], hexadecimal) && is(text[p+3], hexadecimal) {
			p += 4
		}
		if p < len(text) && text[p] == ' ' { // \xd9 and a length that is a space
			p++
		}
	}
	return p
}

// skipEmphasis passes over what closes around a name: ** and __ of Markdown, * of
// Lisp, a quotation mark of another script.
func skipEmphasis(text []byte, start, p int) int {
	if p < len(text) && text[p] >= 0x80 && start > 0 && text[start-1] >= 0x80 {
		switch {
		case hasPrefix(text, p, "：") || hasPrefix(text, p, "＝"):
		default:
			return p + markSize(text, p)
		}
	}
	if hasPrefix(text, p, "**:") {
		return p + len("**")
	}
	if p >= len(text) || text[p] != '*' || start == 0 || text[start-1] != '*' {
		return p
	}
	for q := p; q < len(text) && q < p+3; q++ {
		if text[q] != '*' {
			return q
		}
	}
	return p
}

// skipVisibility passes over what PHP says of a member: "name":protected,
// "name":"Class":private.
func skipVisibility(text []byte, p int) int {
	if p >= len(text) || text[p] != ':' {
		return p
	}
	q := p
	if hasPrefix(text, q, ":\"") {
		if end := bytes.IndexByte(text[q+2:min(len(text), q+80)], '"'); end >= 0 {
			q += 2 + end + 1
		}
	}
	for _, word := range [...]string{":protected", ":private", ":public"} {
		if hasPrefix(text, q, word) {
			return q + len(word)
		}
	}
	return p
}

// behindTags passes over up to three tags of HTML or XML that begin at p, the first of
// which closes what the name stands in.
func behindTags(text []byte, p int) int {
	if !hasPrefix(text, p, "</") {
		return p
	}
	q := p
	for range 3 {
		q = skipSpace(text, q)
		if q >= len(text) || text[q] != '<' {
			break
		}
		end := bytes.IndexByte(text[q:min(len(text), q+80)], '>')
		if end < 0 {
			return p
		}
		q += end + 1
	}
	if q = skipSpace(text, q); q < len(text) && text[q] == ':' {
		q = skipSpace(text, q+1)
	}
	return q
}

// changes are the words before a value that was another one, in their order.
var changes = prefixesOf("was ", "changed ", "updated ", "from ")

// changedFrom passes over "changed from x to" behind a name.
func changedFrom(text []byte, p int) int {
	if !changes.first[text[p]] {
		return p
	}
	q := p
	for _, word := range changes.list {
		if hasPrefix(text, q, word) {
			q += len(word)
		}
	}
	if q == p || !hasPrefix(text, q-len("from "), "from ") {
		return p
	}
	if n := bytes.Index(text[q:min(len(text), q+80)], []byte(" to ")); n > 0 {
		return q + n + len(" to ")
	}
	return p
}

// skipCasts passes over types in parentheses before a value in quotes, as Go's
// dumpers print them: (string) (len=5) "x".
func skipCasts(text []byte, p int) int {
	q := skipSpace(text, p)
	for range 2 {
		if q >= len(text) || text[q] != '(' {
			return p
		}
		end := bytes.IndexByte(text[q:min(len(text), q+24)], ')')
		if end < 0 {
			return p
		}
		if q = skipSpace(text, q+end+1); q < len(text) && text[q] == '"' {
			return q
		}
	}
	return p
}
