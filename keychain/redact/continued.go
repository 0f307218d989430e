package redact

import "bytes"

// A value may stand on a line below its name: a block of YAML, an object that
// was printed with indents, name and value of a container's variable. What a
// line leaves for the next ones is a pending.

// pending is a name whose line ended before its value came.
type pending struct {
	gate      gate
	qualified bool
	block     bool  // the next line is the value
	flush     bool  // also if it is not indented
	random    bool  // only a value that looks random
	form      bool  // it stands behind an empty line, as in a form
	list      bool  // it is the next of a list
	direct    bool  // the next line may be it, in quotes or an element
	member    bool  // it is the members of a section
	keyed     bool  // of which only one called key
	column    int   // it is behind so many commas in each of the next lines
	lines     uint8 // how many more lines are looked at; 0 is none
}

const (
	// objectLines are how many lines of an object are looked at for a value.
	objectLines = 6
	// csvLines are how many rows of a table are looked at.
	csvLines = 250
	// pairLines is the same behind a line that is only "name: NAME".
	pairLines = 2
)

// left is what a line that had no value leaves of p.
func (p pending) left() pending {
	if p.column > 0 && p.lines > 1 {
		p.lines--
		return p
	}
	if p.block && p.lines > 1 { // behind the empty line of a form
		p.lines--
		return p
	}
	if p.block || p.direct && p.lines == 1 || p.lines <= 1 {
		return pending{}
	}
	p.lines--
	p.direct = false
	return p
}

// noteName remembers a name that ends at p if nothing but an opening follows it
// in the line.
func (r *runs) noteName(text []byte, n name, p int, k key) {
	if len(text) == 0 || text[len(text)-1] != '\n' || r.name.member {
		return
	}
	rest := bytes.TrimRight(text[p:min(len(text), p+longestBridge)], " \t\r\n")
	if len(text) > p+longestBridge && len(rest) == longestBridge {
		return
	}
	found := pending{gate: k.gate, qualified: n.qualified}
	rest = bytes.TrimLeft(rest, "\"'`")
	rest = rest[skipVisibility(rest, 0):]
	switch marks := bytes.TrimSpace(rest); {
	case len(marks) == 0 && columnOf(text, n.start) > 0:
		found.lines, found.column = csvLines, columnOf(text, n.start)
	case len(marks) == 0 && n.flag && n.start > 1 && hasPrefix(text, n.start-2, "- "): // - --token
		found.lines, found.list = 1, true
	case len(marks) == 1 && marks[0] == ',' && n.flag: // "--token",
		found.lines, found.list = 1, true
	case len(marks) == 0 && n.start > 5 && hasPrefix(text, n.start-6, "name=\""):
		found.lines, found.form = 1, true
	case len(marks) == 0 && n.start > 0 && hasPrefix(text, n.start, "secrets."): // a debug log of a build
		found.lines, found.direct = 1, true
	case len(marks) == 0 || len(marks) == 1 && marks[0] == ',':
		if !isNamed(text, n.start) {
			return
		}
		found.lines = pairLines
	case isBlockMark(marks):
		found.lines, found.block = 1, true
	case isHeredoc(marks):
		found.lines, found.block, found.flush = 1, true, true
	case len(marks) == 1 && marks[0] == '>' && n.start > 0 && text[n.start-1] == '<': // <password>
		found.lines, found.block, found.flush = 1, true, true
		if hasPrefix(text, n.start, "auth-user-pass") { // of OpenVPN: the user's name comes first
			found.lines = 2
		}
	case opensLine(marks):
		found.lines, found.direct = 1, true
		found.random = marks[0] == '(' || n.weak
		if marks[len(marks)-1] == '{' {
			found.lines, found.direct = objectLines, false
		}
	default:
		return
	}
	if r.name.lines == 0 || k.gate != gateOpaque { // api_key is more than key
		r.name = found
	}
}

// isNamed reports whether what starts at p is itself the value of a name:
// "name: X", "\"name\": \"X", <key>X.
func isNamed(text []byte, p int) bool {
	if p >= len("<key>") && hasPrefix(text, p-len("<key>"), "<key>") {
		return true
	}
	for p > 0 && (text[p-1] == '"' || text[p-1] == '\'' || text[p-1] == ' ') {
		p--
	}
	if p == 0 || text[p-1] != ':' && text[p-1] != '=' {
		return false
	}
	for p--; p > 0 && (text[p-1] == '"' || text[p-1] == '\'' || text[p-1] == ' '); p-- {
	}
	for _, word := range [...]string{"name", "key"} {
		if start := p - len(word); start >= 0 && hasPrefix(text, start, word) && boundary(text, start) {
			return true
		}
	}
	return false
}

// isBlockMark: ": |", ": >-", of YAML.
func isBlockMark(marks []byte) bool {
	if marks[0] != ':' {
		return false
	}
	marks = bytes.TrimLeft(marks[1:], " ")
	return len(marks) > 0 && len(marks) <= 3 && (marks[0] == '|' || marks[0] == '>') && run(marks, 1, digit|dash|padding) == len(marks)
}

// opensLine: only what opens a value: "=>", ": Some(", "]=>", "= {", "</key>".
func opensLine(marks []byte) bool {
	if string(marks) == "</key>" || string(marks) == "</name>" {
		return true
	}
	for i := 0; i < len(marks); {
		switch c := marks[i]; {
		case c == ' ', c == ':', c == '=', c == '>', c == '(', c == '[', c == ']', c == '{', c == '"', c == '\'':
			i++
		case is(c, alphanumeric):
			end := run(marks, i, word|dot)
			if end == len(marks) || marks[end] != '(' && marks[end] != ':' {
				return false
			}
			i = end
		default:
			return false
		}
	}
	switch marks[len(marks)-1] {
	case '(', '{', '[', '>', '=', ':':
		return true
	}
	return false
}

// continued looks for the value of p at the beginning of line, and ends p if it
// is there or cannot come any more.
func (e *engine) continued(line []byte, p *pending, past *runs, spans []span) []span {
	at := 0
	for at < len(line) && (line[at] == ' ' || line[at] == '\t') {
		at++
	}
	if p.column > 0 {
		start, stop := field(line, p.column)
		if start == stop {
			*p = pending{}
			return spans
		}
		v := value{text: line[start:stop], quoted: true, gate: p.gate, qualified: p.qualified, sep: sepColon}
		if !isReplaced(line, start, e.replacement) && v.secret() {
			if line[len(line)-1] != '\n' && stop == len(line) {
				past.open = min(past.open, start)
			}
			spans = append(spans, span{from: start, start: start, end: stop})
		}
		return spans
	}
	if p.member {
		return p.below(line, at, past, spans)
	}
	if p.form && at < len(line) && (line[at] == '\r' || line[at] == '\n') {
		p.form, p.block, p.flush = false, true, true
		p.lines++ // the empty line is not it
		return spans
	}
	if p.list && hasPrefix(line, at, "- ") {
		p.random, at = true, at+len("- ")
	}
	if at == len(line) || line[at] == '}' || line[at] == '\r' || line[at] == '\n' {
		*p = pending{}
		return spans
	}
	if p.block {
		stop := len(bytes.TrimRight(line, " \t\r\n"))
		if end := bytes.IndexByte(line[at:stop], '<'); end > 0 && p.flush {
			stop = at + end
		}
		if at == 0 && !p.flush || isReplaced(line, at, e.replacement) || stop <= at {
			return spans
		}
		if line[len(line)-1] != '\n' {
			past.open = min(past.open, at)
		}
		if bytes.HasPrefix(line[at:stop], []byte("-----")) {
			return spans // a private key, of which only the body is secret
		}
		v := value{text: line[at:stop], quoted: true, gate: p.gate, qualified: p.qualified, sep: sepColon}
		if v.secret() {
			spans = append(spans, span{from: at, start: at, end: stop})
		}
		return spans
	}
	start, named := valueStart(line, at)
	w := place{name: name{start: at, end: at, qualified: p.qualified}, key: key{gate: p.gate}, sep: sepColon, weak: p.random}
	opened, first := openValue(line, start)
	element := start > at && line[start-1] == '>'
	if !named && !p.list && (!p.direct || opened.char == 0 && !element) || isBracket(line, first) || !named && isKey(line, first, opened) {
		return spans
	}
	if found, ok := w.value(line, start, e.replacement, past); ok {
		*p = pending{}
		spans = append(spans, found)
	}
	return spans
}

// isKey reports whether the text in quotes from p on is a name: a sign follows.
func isKey(line []byte, p int, q quote) bool {
	if q.char == 0 {
		return false
	}
	_, next := skipQuote(line, closingQuote(line, p, q))
	next = skipSpace(line, next)
	return next < len(line) && (line[next] == ':' || line[next] == '=')
}

// isHeredoc: "= <<EOT", "<<-'EOF'".
func isHeredoc(marks []byte) bool {
	marks = bytes.TrimLeft(marks, ":= ")
	if !bytes.HasPrefix(marks, []byte("<<")) {
		return false
	}
	marks = bytes.Trim(marks[2:], "-~'\"")
	return len(marks) >= 2 && run(marks, 0, upper|underscore) == len(marks)
}

func isBracket(line []byte, p int) bool {
	return p < len(line) && (line[p] == '{' || line[p] == '[')
}

// valueStart passes over what stands before a value on a line of its own: its
// length as PHP prints it, an element, a call, the word "value".
func valueStart(line []byte, p int) (start int, named bool) {
	for _, element := range [...]string{"<string>", "<value>", "##[debug]result: "} {
		if hasPrefix(line, p, element) {
			return p + len(element), true
		}
	}
	if hasPrefix(line, p, "string(") {
		if end := run(line, p+len("string("), digit); end < len(line) && line[end] == ')' {
			return skipSpace(line, end+1), false
		}
	}
	q, inner := skipQuote(line, p)
	for _, word := range [...]string{"stringvalue", "value", "default", "key"} {
		if !hasPrefix(line, inner, word) {
			continue
		}
		closed, next := skipQuote(line, inner+len(word))
		if closed.char != q.char {
			break
		}
		if next = skipSpace(line, next); next < len(line) && (line[next] == ':' || line[next] == '=') {
			return skipSpace(line, next+1), true
		}
	}
	if q.char == 0 {
		if end := run(line, p, word); end > p && end < len(line) && line[end] == '(' { // Some(
			return end + 1, false
		}
	}
	return p, false
}
