package policy

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// maxPattern bounds a pattern in bytes. Matching takes at most
// len(pattern)·len(path) steps.
const maxPattern = 1024

// hasGlob reports whether s holds a character that a pattern gives a meaning.
func hasGlob(s string) bool { return strings.ContainsAny(s, `*?[\`) }

// quoteGlob makes a pattern that matches s and nothing else.
func quoteGlob(s string) string {
	if !hasGlob(s) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if strings.IndexByte(`*?[\`, s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// checkGlob reports why an absolute pattern cannot be used. `**` stands for
// any number of folders, `*` and `?` stay within one name, `[a-z]` and
// `[!a-z]` are one character, a backslash takes the next one as it is.
func checkGlob(pattern string) error {
	if len(pattern) > maxPattern {
		return errors.New("a pattern has at most 1024 bytes")
	}
	for rest := pattern; rest != ""; {
		var segment string
		segment, rest = cutSegment(rest)
		if segment == "**" {
			continue
		}
		if strings.Contains(segment, "**") {
			return errors.New("** stands alone between two slashes")
		}
		if err := checkSegment(segment); err != nil {
			return err
		}
	}
	return nil
}

func checkSegment(segment string) error {
	for segment != "" {
		switch segment[0] {
		case '\\':
			if len(segment) < 2 {
				return errors.New(`a pattern cannot end in \`)
			}
			_, n := utf8.DecodeRuneInString(segment[1:])
			segment = segment[1+n:]
		case '[':
			_, rest, ok := matchClass(segment, 0)
			if !ok {
				return errors.New("a [ has no ]")
			}
			segment = rest
		default:
			segment = segment[1:]
		}
	}
	return nil
}

// matchGlob reports whether pattern matches name or a folder above it. Both
// are absolute and clean; the pattern has passed checkGlob.
func matchGlob(pattern, name string) bool {
	if name == "/" {
		name = ""
	}
	var starPattern, starName string // where to go on when the last ** takes one folder more
	star := false
	for pattern != "" {
		segment, rest := cutSegment(pattern)
		if segment == "**" {
			star, starPattern, starName = true, rest, name
			pattern = rest
			continue
		}
		if name != "" {
			have, below := cutSegment(name)
			if !beginsOtherwise(segment, have) && matchSegment(segment, have) {
				pattern, name = rest, below
				continue
			}
		}
		if !star || starName == "" {
			return false
		}
		_, starName = cutSegment(starName)
		pattern, name = starPattern, starName
	}
	return true
}

// beginsOtherwise sees at once most names that a pattern does not match: those whose first
// byte is not the pattern's, which is no sign of the pattern's own.
func beginsOtherwise(segment, name string) bool {
	if segment == "" || name == "" || segment[0] == name[0] {
		return false
	}
	switch segment[0] {
	case '*', '?', '[', '\\':
		return false
	}
	return true
}

// cutSegment takes the first name off "/a/b": "a" and "/b".
func cutSegment(s string) (segment, rest string) {
	if i := strings.IndexByte(s[1:], '/'); i >= 0 {
		return s[1 : 1+i], s[1+i:]
	}
	return s[1:], ""
}

// matchSegment matches one name. It goes back only to the last star, so the
// time is bounded by the product of the lengths.
func matchSegment(pattern, name string) bool {
	var starPattern, starName string
	star := false
	for pattern != "" || name != "" {
		if pattern != "" {
			if pattern[0] == '*' {
				star, starPattern, starName = true, pattern[1:], name
				pattern = pattern[1:]
				continue
			}
			if name != "" {
				if rest, below, ok := matchOne(pattern, name); ok {
					pattern, name = rest, below
					continue
				}
			}
		}
		if !star || starName == "" {
			return false
		}
		_, n := utf8.DecodeRuneInString(starName)
		starName = starName[n:]
		pattern, name = starPattern, starName
	}
	return true
}

// matchOne matches the first character of name with the first element of
// pattern, which is not a star.
func matchOne(pattern, name string) (rest, below string, ok bool) {
	r, n := utf8.DecodeRuneInString(name)
	switch pattern[0] {
	case '?':
		return pattern[1:], name[n:], true
	case '[':
		in, rest, well := matchClass(pattern, r)
		return rest, name[n:], well && in
	case '\\':
		pattern = pattern[1:]
	}
	if pattern == "" || pattern[0] != name[0] {
		return "", "", false
	}
	return pattern[1:], name[1:], true
}

// matchClass judges r by the class at the start of pattern, which begins with
// "[". It returns what follows the class; ok is false when no "]" ends it.
func matchClass(pattern string, r rune) (in bool, rest string, ok bool) {
	s := pattern[1:]
	negated := s != "" && (s[0] == '!' || s[0] == '^')
	if negated {
		s = s[1:]
	}
	for first := true; ; first = false {
		if s == "" {
			return false, "", false
		}
		if s[0] == ']' && !first {
			return in != negated, s[1:], true
		}
		var low rune
		if low, s, ok = classRune(s); !ok {
			return false, "", false
		}
		high := low
		if len(s) > 1 && s[0] == '-' && s[1] != ']' {
			if high, s, ok = classRune(s[1:]); !ok {
				return false, "", false
			}
		}
		if low <= r && r <= high {
			in = true
		}
	}
}

func classRune(s string) (r rune, rest string, ok bool) {
	if s != "" && s[0] == '\\' {
		s = s[1:]
	}
	if s == "" {
		return 0, "", false
	}
	r, n := utf8.DecodeRuneInString(s)
	return r, s[n:], true
}
