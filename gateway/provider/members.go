package provider

import (
	"bytes"
	"encoding/json"
)

// members gives the members of a JSON object in order, until each returns false,
// and reports whether the text was an object to its end. It decodes nothing that
// it is not asked for: bodies have megabytes, and the model stands in front. What
// it makes of a text that is not JSON is not defined.
func members(text []byte, each func(key, value []byte) (more bool)) (whole bool) {
	at := space(text, 0)
	if at >= len(text) || text[at] != '{' {
		return false
	}
	if at = space(text, at+1); at < len(text) && text[at] == '}' {
		return space(text, at+1) == len(text)
	}
	for at < len(text) && text[at] == '"' {
		end := stringEnd(text, at)
		key := text[at:end]
		at = space(text, end)
		if at >= len(text) || text[at] != ':' {
			return false
		}
		at = space(text, at+1)
		end = valueEnd(text, at)
		if end == at {
			return false
		}
		if !each(plainKey(key), text[at:end]) {
			return false
		}
		at = space(text, end)
		switch {
		case at >= len(text):
			return false
		case text[at] == '}':
			return space(text, at+1) == len(text)
		case text[at] != ',':
			return false
		}
		at = space(text, at+1)
	}
	return false
}

// plainKey is a key without its quotes and escapes.
func plainKey(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return bytes.Trim(quoted, `"`)
	}
	var plain string
	_ = json.Unmarshal(quoted, &plain) // what cannot be read is no key that is looked for
	return []byte(plain)
}

func space(text []byte, at int) int {
	for at < len(text) && (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r') {
		at++
	}
	return at
}

// stringEnd is where the string that begins at a quote has ended.
func stringEnd(text []byte, at int) int {
	for at++; at < len(text); at++ {
		switch text[at] {
		case '\\':
			at++
		case '"':
			return at + 1
		}
	}
	return len(text)
}

// valueEnd is where the value that begins at has ended.
func valueEnd(text []byte, at int) int {
	depth := 0
	for at < len(text) {
		switch text[at] {
		case '"':
			if at = stringEnd(text, at); depth == 0 {
				return at
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return at
			}
			if depth--; depth == 0 {
				return at + 1
			}
		case ',', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return at
			}
		}
		at++
	}
	return at
}
