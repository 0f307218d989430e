package scan

import (
	"bytes"
	"strings"
)

// parseDotEnv reads NAME=value lines, as dotenv libraries do: an export before
// the name, quotes over several lines, a comment behind a blank and #. A value
// that such a library would expand is left out.
func parseDotEnv(data []byte) ([]assignment, error) {
	var list []assignment
	for at := 0; at < len(data); {
		from := at
		p := skipBlank(data, at)
		end := lineEnd(data, p)
		next := end
		for next < len(data) && (data[next] == '\r' || data[next] == '\n') {
			next++
			if data[next-1] == '\n' {
				break
			}
		}
		if p >= end || data[p] == '#' {
			at = next
			continue
		}
		indent := string(data[from:p])
		if rest, ok := bytes.CutPrefix(data[p:end], []byte("export")); ok && len(rest) > 0 && (rest[0] == ' ' || rest[0] == '\t') {
			p = skipBlank(data, p+len("export"))
		}
		nameEnd := p
		for nameEnd < end && (isVariable("x"+string(data[nameEnd])) || data[nameEnd] == '.' || data[nameEnd] == '-') {
			nameEnd++
		}
		name := string(data[p:nameEnd])
		p = skipBlank(data, nameEnd)
		if name == "" || p >= end || (data[p] != '=' && data[p] != ':') {
			if name != "" && p >= end {
				at = next // a name alone
				continue
			}
			return nil, syntax(lineAt(data, from))
		}
		p = min(skipBlank(data, p+1), end)
		a := assignment{key: name, line: lineAt(data, from), start: p, from: from, indent: indent}
		var literal bool
		if p < end && (data[p] == '"' || data[p] == '\'') {
			quote := data[p]
			closed := closing(data, p+1, quote)
			if closed < 0 {
				return nil, syntax(a.line)
			}
			a.value, literal = unquoteDotEnv(data[p+1:closed], quote)
			a.end = closed + 1
			end = lineEnd(data, a.end)
			tail := bytes.TrimSpace(data[a.end:end])
			if len(tail) > 0 && tail[0] != '#' {
				return nil, syntax(lineAt(data, a.end))
			}
			if next = len(data); bytes.IndexByte(data[end:], '\n') >= 0 {
				next = end + bytes.IndexByte(data[end:], '\n') + 1
			}
		} else {
			raw := data[p:end]
			for i := range raw {
				if raw[i] == '#' && (i == 0 || raw[i-1] == ' ' || raw[i-1] == '\t') {
					raw = raw[:i]
					break
				}
			}
			raw = bytes.TrimRight(raw, " \t")
			a.value, a.end = bytes.Clone(raw), p+len(raw)
			literal = !bytes.ContainsAny(raw, "$`")
		}
		a.to = end
		if literal && len(a.value) > 0 {
			list = append(list, a)
		}
		at = next
	}
	return list, nil
}

func skipBlank(data []byte, p int) int {
	for p < len(data) && (data[p] == ' ' || data[p] == '\t') {
		p++
	}
	return p
}

// closing finds the quote that ends a text, or -1.
func closing(data []byte, p int, quote byte) int {
	for ; p < len(data); p++ {
		switch {
		case data[p] == '\\' && quote == '"':
			p++
		case data[p] == quote:
			return p
		}
	}
	return -1
}

// unquoteDotEnv gives the text, and whether it stands for itself.
func unquoteDotEnv(raw []byte, quote byte) (value []byte, literal bool) {
	if quote == '\'' {
		return bytes.Clone(raw), true
	}
	literal = true
	for i := 0; i < len(raw); i++ {
		switch {
		case raw[i] == '$':
			literal = false
			value = append(value, raw[i])
		case raw[i] == '\\' && i+1 < len(raw):
			i++
			switch c := raw[i]; c {
			case 'n':
				value = append(value, '\n')
			case 'r':
				value = append(value, '\r')
			default:
				if !strings.ContainsRune("\"\\$", rune(c)) {
					value = append(value, '\\')
				}
				value = append(value, c)
			}
		default:
			value = append(value, raw[i])
		}
	}
	return value, literal
}
