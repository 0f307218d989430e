package configs

import (
	"fmt"
	"strconv"
	"strings"
)

// Key paths name a place in the tree: "agents.coder.permissions.denied_paths[0]".
// A name with other characters than letters, digits, "_" and "-" is quoted:
// `agents["a.b"].role`.

// step is one part of a key path: a name in a mapping, or an index in a list.
type step struct {
	name  string
	index int // -1 for a name
}

// NamedKey is the key path of an agent, a role or a provider: "agents.coder".
func NamedKey(section, name string) string { return childKey(section, name) }

// childKey adds a name to a key path.
func childKey(key, name string) string {
	if !plainName(name) {
		return key + "[" + strconv.Quote(name) + "]"
	}
	if key == "" {
		return name
	}
	return key + "." + name
}

// itemKey adds an index to a key path.
func itemKey(key string, index int) string { return key + "[" + strconv.Itoa(index) + "]" }

func plainName(name string) bool {
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-':
		default:
			return false
		}
	}
	return name != ""
}

// parentKey cuts the last step off; the parent of a top key is "".
func parentKey(key string) string {
	if strings.HasSuffix(key, `"]`) {
		// A quoted name may hold any character, so the path is read from its start.
		steps, err := splitKey(key)
		if err != nil {
			return ""
		}
		return joinKey(steps[:len(steps)-1])
	}
	if i := strings.LastIndexAny(key, ".["); i >= 0 {
		return key[:i]
	}
	return ""
}

func joinKey(steps []step) string {
	key := ""
	for _, s := range steps {
		if s.index >= 0 {
			key = itemKey(key, s.index)
		} else {
			key = childKey(key, s.name)
		}
	}
	return key
}

// splitKey reads a key path.
func splitKey(key string) ([]step, error) {
	bad := func() ([]step, error) {
		return nil, fmt.Errorf(`read key %q: write it like agents.coder.role, or agents["a.b"].env[0]`, key)
	}
	var steps []step
	for rest := key; rest != ""; {
		if strings.HasPrefix(rest, "[") {
			if quoted, err := strconv.QuotedPrefix(rest[1:]); err == nil {
				name, err := strconv.Unquote(quoted)
				after := rest[1+len(quoted):]
				if err != nil || !strings.HasPrefix(after, "]") || quoted[0] != '"' {
					return bad()
				}
				steps, rest = append(steps, step{name: name, index: -1}), after[1:]
			} else {
				end := strings.IndexByte(rest, ']')
				if end < 0 || len(steps) == 0 {
					return bad()
				}
				index, err := strconv.Atoi(rest[1:end])
				if err != nil || index < 0 {
					return bad()
				}
				steps, rest = append(steps, step{index: index}), rest[end+1:]
			}
		} else {
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			if !plainName(rest[:end]) {
				return bad()
			}
			steps, rest = append(steps, step{name: rest[:end], index: -1}), rest[end:]
		}
		if strings.HasPrefix(rest, ".") {
			if rest = rest[1:]; rest == "" || rest[0] == '[' {
				return bad()
			}
		} else if rest != "" && rest[0] != '[' {
			return bad()
		}
	}
	if len(steps) == 0 {
		return bad()
	}
	return steps, nil
}
