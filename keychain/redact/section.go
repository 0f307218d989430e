package redact

import "bytes"

// A section says for all of its members what they are: the lines below "tokens:" of
// YAML and below "[tokens]", the members of "secrets":{"github":"x"}. Only values that look random are secrets
// there.

// sections are their names. Of those with keyed set, only a member that is called key is one.
var sections = [...]struct {
	name  string // lower case
	keyed bool
}{
	{name: "tokens"}, {name: "secrets"}, {name: "passwords"}, {name: "api_keys"}, {name: "api-keys"}, {name: "apikeys"},
	{name: "api", keyed: true}, {name: "openai", keyed: true}, {name: "anthropic", keyed: true}, {name: "gemini", keyed: true}, {name: "mistral", keyed: true},
	{name: "openrouter", keyed: true}, {name: "groq", keyed: true}, {name: "deepseek", keyed: true},
}

const (
	sectionLines = 12  // below its name
	sectionReach = 400 // bytes behind its name, in a line
	sectionNames = 32  // bytes of a member's name
)

// section judges the members behind a section's name at [start, end), and notes it if they
// are on the next lines.
func section(text []byte, start, end int, keyed bool, past *runs, spans []span) []span {
	if start > 0 && is(text[start-1], identifier) && !backslashEnds(text, start) {
		return spans
	}
	if end < len(text) && text[end] == ']' && start > 0 && text[start-1] == '[' && len(bytes.TrimSpace(text[end+1:min(len(text), end+4)])) == 0 && text[len(text)-1] == '\n' { // [openai]
		past.name = pending{gate: gateRandom, member: true, flush: true, keyed: keyed, lines: sectionLines}
		return spans
	}
	_, p := skipQuote(text, end)
	p = skipSpace(text, p)
	if p >= len(text) || text[p] != ':' && text[p] != '=' {
		return spans
	}
	p = skipSpace(text, p+1)
	if rest := bytes.TrimSpace(text[min(p, len(text)):min(len(text), p+4)]); len(rest) == 0 && text[len(text)-1] == '\n' && text[end] == ':' {
		past.name = pending{gate: gateRandom, member: true, keyed: keyed, lines: sectionLines}
		return spans
	}
	if keyed || p >= len(text) || text[p] != '{' { // of an object whose member is "key", gateOf knows
		return spans
	}
	for stop, p := min(len(text), p+sectionReach), p+1; p < stop; {
		nameEnd, from := member(text, p)
		if nameEnd == p {
			break
		}
		q, first := skipQuote(text, from)
		last := valueEnd(text, first, q, false, false)
		if last == len(text) {
			past.open = min(past.open, first)
		}
		if !isOpenPrefix(bytes.Trim(text[p:nameEnd], " \"'\\")) && isMember(text[first:last]) {
			spans = append(spans, span{from: start, start: first, end: last})
		}
		_, p = skipQuote(text, last)
		if p = skipSpace(text, p); p >= len(text) || text[p] != ',' {
			break
		}
		p++
	}
	return spans
}

// member returns where the name of a member of a section ends that begins at p, and where
// its value begins; p twice if none does.
func member(text []byte, p int) (end, value int) {
	_, start := skipQuote(text, skipSpace(text, p))
	end = run(text[:min(len(text), start+sectionNames)], start, identifier)
	if end == start {
		return p, p
	}
	_, next := skipQuote(text, end)
	if next = skipSpace(text, next); next >= len(text) || text[next] != ':' && text[next] != '=' {
		return p, p
	}
	return end, skipSpace(text, next+1)
}

// isMember reports whether a member's value is a secret.
func isMember(v []byte) bool {
	return len(v) >= 10 && len(v) <= longValue && (random(v) || chosen(v)) && !isPlaceholder(v) && !isReference(v) && !isPath(v) && !isResourceName(v)
}

// below judges a line below a section's name.
func (p *pending) below(line []byte, at int, past *runs, spans []span) []span {
	if at == 0 && !p.flush || at < len(line) && (line[at] == '[' || hasPrefix(line, at, "- ")) { // the section has ended, or is a list
		*p = pending{}
		return spans
	}
	end, from := member(line, at)
	if name := bytes.Trim(line[at:end], "\"'"); end == at || p.keyed && string(name) != "key" || isOpenPrefix(name) {
		return spans
	}
	q, first := skipQuote(line, from)
	last := valueEnd(line, first, q, false, false)
	if last == len(line) {
		past.open = min(past.open, first)
	}
	if v := line[first:last]; isMember(v) {
		spans = append(spans, span{from: at, start: first, end: last})
	}
	return spans
}
