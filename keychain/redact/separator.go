package redact

import "bytes"

type sepKind uint8

const (
	sepNone sepKind = iota
	sepEquals
	sepColon
	sepAssign  // :=
	sepCompare // == !=
	sepSpace   // --flag value
)

// separator reads what stands between a name and its value.
func separator(text []byte, p int, n name, quoted bool) (sepKind, int) {
	after := skipSpace(text, p)
	rest := text[after:]
	if len(rest) == 0 {
		return sepNone, p
	}
	if after > p && is(rest[0], alphanumeric) && fold(rest[0]) != 'r' && fold(rest[0]) != 'a' { // a word, and no type of one
		switch {
		case numbered(text, p) > p: // Unseal Key 1: x
			return sepColon, numbered(text, p)
		case assigned(text, n.start):
			return sepSpace, after
		case n.flag && !quoted:
			return sepSpace, after
		case n.start == 0 || text[n.start-1] != '<' && text[n.start-1] != ':':
			return sepNone, p
		}
	}
	switch {
	case hasPrefix(rest, 0, "%3d"), hasPrefix(rest, 0, "%3a"):
		return sepEquals, after + 3
	case hasPrefix(rest, 0, "%253d"), hasPrefix(rest, 0, "%253a"):
		return sepEquals, after + 5
	case hasPrefix(rest, 0, `\u003d`), hasPrefix(rest, 0, `\u003a`):
		return sepEquals, after + 6
	case hasPrefix(rest, 0, ":="):
		return sepAssign, after + 2
	case hasPrefix(rest, 0, "::"):
		if n.start >= len("name=") && hasPrefix(text, n.start-len("name="), "name=") { // ::set-output name=token::x
			return sepColon, after + 2
		}
		return sepNone, p
	case hasPrefix(rest, 0, "："), hasPrefix(rest, 0, "＝"):
		return sepColon, after + len("：")
	case rest[0] == 0 && after == p:
		return sepEquals, after + 1
	case after == p && framed(text, p) > p: // MessagePack, printed
		return sepEquals, framed(text, p)
	case numbered(text, p) > p: // Unseal Key 1: x
		return sepColon, numbered(text, p)
	case after > p && (assigned(text, n.start) || hasPrefix(rest, 0, "reg_")):
		return sepSpace, registryValue(text, after)
	case after > p && registryValue(text, after) > after:
		return sepSpace, registryValue(text, after)
	case hasPrefix(rest, 0, "==="), hasPrefix(rest, 0, "!=="):
		return sepCompare, after + 3
	case hasPrefix(rest, 0, "=="), hasPrefix(rest, 0, "!="):
		return sepCompare, after + 2
	case hasPrefix(rest, 0, "=>"):
		return sepColon, after + 2
	case hasPrefix(rest, 0, "<-") || hasPrefix(rest, 0, "<<<"): // R, and a shell's here string
		next := skipSpace(text, after+2+boolInt(rest[2:], '<'))
		if q, _ := skipQuote(text, next); q.char != 0 || rest[1] == '<' {
			return sepSpace, next
		}
		return sepNone, p
	case rest[0] == '=':
		return sepEquals, after + 1
	case (hasPrefix(rest, 0, ":?") || hasPrefix(rest, 0, ":+")) && n.start > 0 && text[n.start-1] == '{': // ${PASSWORD:?missing}
		return sepNone, p
	case after > p && hasPrefix(rest, 0, "as string = "): // Basic
		return sepEquals, after + len("as string = ")
	case rest[0] == ':':
		return sepColon, skipCasts(text, skipType(text, after+1))
	case after > p && n.start > 0 && (text[n.start-1] == '<' || text[n.start-1] == ':') && inElement(text, n.start): // <password type="s">x</password>
		if end := bytes.IndexAny(rest[:min(len(rest), 160)], "<>"); end >= 0 && rest[end] == '>' && end > 0 && rest[end-1] != '/' {
			return sepEquals, after + end + 1
		}
	case rest[0] == '>' && n.start > 0 && (text[n.start-1] == '<' || text[n.start-1] == ':') && inElement(text, n.start): // <password>x</password>
		return sepEquals, after + 1
	case rest[0] == ',' && quoted && (n.flag || n.environment): // ["--token", "x"], Setenv("TOKEN", "x")
		return sepColon, after + 1
	case after > p && n.flag && !quoted && (rest[0] != '-' || random(rest[:argumentEnd(rest, 0)])): // --token x
		return sepSpace, after
	}
	return sepNone, p
}

// laterValue passes over other members of an object between a name and its value:
// "key":"token","enabled":true,"value":
func laterValue(text []byte, p int) int {
	if p >= len(text) || text[p] != ',' {
		return p
	}
	const member = `"value":`
	reach := text[p:min(len(text), p+80)]
	if n := bytes.Index(reach, []byte(member)); n > 0 && !bytes.ContainsAny(reach[:n], "{}[]") {
		return p + n + len(member)
	}
	return p
}

// serialized passes over what PHP's serialize puts between a name and a text: ;s:20:
func serialized(text []byte, p int) int {
	if !hasPrefix(text, p, ";s:") {
		return p
	}
	if end := run(text, p+len(";s:"), digit); end < len(text) && text[end] == ':' {
		return end + 1
	}
	return p
}

// attributeValue passes over what stands in an element of XML between a name that is
// an attribute's value and what belongs to it: other attributes and >, or an
// attribute "value", also one of a name space. It returns p if there is none.
func attributeValue(text []byte, p int) int {
	reach := text[p:min(len(text), p+80)]
	end := 0
	for end < len(reach) && !is(reach[end], outside) {
		end++
	}
	if n := bytes.Index(reach[:end], []byte(":value=")); n > 0 {
		return p + n + len(":value=")
	}
	if end == len(reach) {
		return p
	}
	if end == 0 && reach[0] == '>' && end+1 < len(reach) && reach[1] != '<' { // <entry key="password">x
		return p + 1
	}
	if n := bytes.Index(reach[:end], []byte(" value=")); n >= 0 { // <input name="password" type="hidden" value="x">
		return p + n + len(" value=")
	}
	if end == 0 || reach[end] != '>' || reach[end-1] == '/' || reach[0] != ' ' || bytes.IndexByte(reach[:end], '=') < 0 {
		return p
	}
	return p + end + 1
}

// inElement reports whether the name at p is an element's of XML, with or without
// a name space.
func inElement(text []byte, p int) bool {
	if text[p-1] == ':' {
		p = runBack(text, p-1, 16, wordDash)
	}
	return p > 0 && text[p-1] == '<'
}

var pairMarkup = prefixesOf("><value>", "</key><string>", "</name><value>", "</param-name><param-value>", "</key><value>")

// pairValue reads on behind a name that is itself the value of another one:
// {"name":"api_key","value":"x"}, <add key="api_key" value="x"/>, name = "api_key", value = "x".
func pairValue(text []byte, p int) (sepKind, int) {
	if next := pairMarkup.at(text, p); next > p {
		return sepColon, next
	}
	if hasPrefix(text, p, "</key>") {
		if next := behindTags(text, p); next > p && next < len(text) && text[next] != '<' {
			return sepColon, next
		}
	}
	q := skipSpace(text, p)
	if next := laterValue(text, p); next > p {
		return sepColon, next
	}
	if next := serialized(text, p); next > p {
		return sepColon, next
	}
	if next := attributeValue(text, p); next > p {
		return sepColon, next
	}
	if q < len(text) && text[q] == ',' {
		q = skipSpace(text, q+1)
	} else if q == p {
		return sepNone, p
	}
	opened, q := skipQuote(text, q)
	if !hasPrefix(text, q, "value") {
		return sepNone, p
	}
	closed, q := skipQuote(text, q+len("value"))
	if opened.char != closed.char {
		return sepNone, p
	}
	if q = skipSpace(text, q); q < len(text) && (text[q] == ':' || text[q] == '=') {
		return sepColon, q + 1
	}
	return sepNone, p
}
