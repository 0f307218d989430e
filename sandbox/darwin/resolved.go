package darwin

import (
	"path"
	"slices"
	"strings"

	"openclaw/sandbox/policy"
)

// resolvePattern puts the physical name of the folder that a pattern starts
// from into the pattern: the kernel knows no other.
func resolvePattern(pattern string, resolve func(string) (string, []string)) (physical string, links []string) {
	fixed, rest := "/", strings.Split(strings.TrimPrefix(pattern, "/"), "/")
	for len(rest) > 0 {
		text, plain := plainSegment(rest[0])
		if !plain {
			break
		}
		fixed, rest = path.Join(fixed, text), rest[1:]
	}
	if fixed == "/" {
		return pattern, nil
	}
	at, links := resolve(fixed)
	return path.Join(append([]string{quotePattern(at)}, rest...)...), links
}

// plainSegment is the one name that a segment of a pattern matches.
func plainSegment(segment string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(segment); i++ {
		switch segment[i] {
		case '*', '?', '[':
			return "", false
		case '\\':
			if i++; i == len(segment) {
				return "", false
			}
		}
		b.WriteByte(segment[i])
	}
	return b.String(), true
}

// quotePattern makes a pattern that matches a path alone.
func quotePattern(name string) string {
	var b strings.Builder
	for i := range len(name) {
		if strings.IndexByte(`*?[\`, name[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(name[i])
	}
	return b.String()
}

// Resolved is the policy with the physical name of every path beside the one
// that was written, for judging physical paths. resolve is as in Options.
func Resolved(p *policy.Policy, resolve func(string) (string, []string)) *policy.Policy {
	q := *p
	q.Paths = slices.Clone(p.Paths)
	for _, rule := range p.Paths {
		if rule.Glob {
			rule.Path, _ = resolvePattern(rule.Path, resolve)
		} else {
			rule.Path, _ = resolve(rule.Path)
		}
		rule.Except = slices.Clone(rule.Except)
		for i, but := range rule.Except {
			rule.Except[i], _ = resolve(but)
		}
		q.Paths = append(q.Paths, rule)
	}
	return &q
}
