package scan

import (
	"bytes"
	"encoding/json"
	"strings"
)

// parseTOML finds name = "text" in a TOML file, also inside an inline table. It
// reads texts of one line only, and cuts none: no program of the places puts a
// variable there.
func parseTOML(data []byte) ([]assignment, error) {
	var list []assignment
	section := ""
	multi := "" // the quotes of a text over several lines
	at := 0
	for line := 1; at < len(data); line++ {
		end := lineEnd(data, at)
		text := data[at:end]
		if i := bytes.IndexByte(data[end:], '\n'); i >= 0 {
			at = end + i + 1
		} else {
			at = len(data)
		}
		if multi != "" {
			i := bytes.Index(text, []byte(multi))
			if i < 0 {
				continue
			}
			text, multi = text[i+3:], ""
		}
		trimmed := bytes.TrimSpace(text)
		if len(trimmed) > 1 && trimmed[0] == '[' && bytes.IndexByte(trimmed, '=') < 0 {
			section = strings.Trim(string(bytes.SplitN(trimmed, []byte("]"), 2)[0]), "[] ")
			continue
		}
		found, open, ok := tomlLine(text)
		if !ok {
			return nil, syntax(line)
		}
		multi = open
		for _, a := range found {
			a.line, a.key = line, child(section, a.key)
			list = append(list, a)
		}
	}
	return list, nil
}

// tomlLine reads one line; open is the quotes of a text that goes on.
func tomlLine(text []byte) (list []assignment, open string, ok bool) {
	name, value := "", false
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '#':
			return list, "", true
		case bytes.HasPrefix(text[i:], []byte(`"""`)) || bytes.HasPrefix(text[i:], []byte("'''")):
			quotes := string(text[i : i+3])
			j := bytes.Index(text[i+3:], []byte(quotes))
			if j < 0 {
				return list, quotes, true
			}
			i += j + 6
		case c == '"' || c == '\'':
			j := closing(text, i+1, c)
			if j < 0 {
				return nil, "", false
			}
			word := string(text[i+1 : j])
			if c == '"' && strings.Contains(word, `\`) && json.Unmarshal(text[i:j+1], &word) != nil {
				word = ""
			}
			if value && name != "" {
				list = append(list, assignment{key: name, value: []byte(word)})
				name, value = "", false
			} else {
				name = word
			}
			i = j + 1
		case c == '=':
			value = true
			i++
		case c == ',' || c == '{' || c == '[':
			if c != '[' {
				name, value = "", false
			}
			i++
		case c == ' ' || c == '\t' || c == '}' || c == ']':
			i++
		default:
			j := i
			for j < len(text) && bytes.IndexByte([]byte(" \t=,{}[]#\"'"), text[j]) < 0 {
				j++
			}
			if !value {
				name = string(text[i:j])
			}
			i = j
		}
	}
	return list, "", true
}
