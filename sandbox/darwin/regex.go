package darwin

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// The regular expressions here deny. They are written with the few parts that
// every engine has, in printable ASCII, and where bytes beyond ASCII are
// concerned they match more than the pattern rather than less.

// wide is one character beyond printable ASCII: one to four bytes.
const wide = `[^ -~][^ -~]?[^ -~]?[^ -~]?`

// below is what may follow a folder. A dot would leave out a line break, which
// a name may hold.
const below = "(/[^/]*)*"

// globRegex is the expression for a policy's pattern and all that lies below
// what it matches. With fold, letters match in both cases.
func globRegex(pattern string, fold bool) (string, error) {
	body, err := globBody(pattern, fold)
	return "^" + body + below + "$", err
}

// globExact is the expression for what a pattern matches, and nothing below.
func globExact(pattern string, fold bool) (string, error) {
	body, err := globBody(pattern, fold)
	return "^" + body + "$", err
}

func globBody(pattern string, fold bool) (string, error) {
	var b strings.Builder
	for segment := range strings.SplitSeq(strings.TrimPrefix(pattern, "/"), "/") {
		if segment == "**" {
			b.WriteString("(/[^/]+)*")
			continue
		}
		b.WriteByte('/')
		if err := segmentRegex(&b, segment, fold); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

var errPattern = errors.New("a pattern that cannot be read")

func segmentRegex(b *strings.Builder, segment string, fold bool) error {
	for segment != "" {
		switch c := segment[0]; c {
		case '*':
			b.WriteString("[^/]*")
		case '?':
			b.WriteString("([ -.0-~]|" + wide + ")")
		case '[':
			rest, err := classRegex(b, segment, fold)
			if err != nil {
				return err
			}
			segment = rest
			continue
		case '\\':
			if segment = segment[1:]; segment == "" {
				return errPattern
			}
			byteRegex(b, segment[0], fold)
		default:
			byteRegex(b, c, fold)
		}
		segment = segment[1:]
	}
	return nil
}

// literalRegex matches a path and all below it in either case of its ASCII
// letters.
func literalRegex(name string) string {
	var b strings.Builder
	b.WriteByte('^')
	for i := range len(name) {
		byteRegex(&b, name[i], true)
	}
	b.WriteString(below + "$")
	return b.String()
}

func byteRegex(b *strings.Builder, c byte, fold bool) {
	switch {
	case c < ' ' || c > '~':
		b.WriteString("[^ -~]")
	case fold && isLetter(c):
		b.WriteByte('[')
		b.WriteByte(c &^ 0x20)
		b.WriteByte(c | 0x20)
		b.WriteByte(']')
	case strings.IndexByte(`\.^$|()[]{}*+?`, c) >= 0:
		b.WriteByte('\\')
		b.WriteByte(c)
	default:
		b.WriteByte(c)
	}
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// classRegex writes the class at the start of s and returns what follows it.
// It reads classes as the policy does: a "]" that stands first is a member.
func classRegex(b *strings.Builder, s string, fold bool) (rest string, err error) {
	s = s[1:]
	negated := s != "" && (s[0] == '!' || s[0] == '^')
	if negated {
		s = s[1:]
	}
	var in [128]bool
	beyond := negated // whether a character outside of printable ASCII may match
	for first := true; ; first = false {
		if s == "" {
			return "", errPattern
		}
		if s[0] == ']' && !first {
			s = s[1:]
			break
		}
		low, after, ok := member(s)
		if !ok {
			return "", errPattern
		}
		high := low
		s = after
		if len(s) > 1 && s[0] == '-' && s[1] != ']' {
			if high, s, ok = member(s[1:]); !ok {
				return "", errPattern
			}
		}
		for r := low; r <= high && r < 128; r++ {
			in[r] = true
		}
		beyond = beyond || high > '~' || low < ' '
	}
	var set [128]bool
	for c := byte(' '); c <= '~'; c++ {
		set[c] = c != '/' && in[c] != negated
	}
	if fold {
		for c := byte('a'); c <= 'z'; c++ {
			either := set[c] || set[c&^0x20]
			set[c], set[c&^0x20] = either, either
		}
	}
	b.WriteString(setRegex(&set, beyond))
	return s, nil
}

func member(s string) (r rune, rest string, ok bool) {
	if s[0] == '\\' {
		s = s[1:]
	}
	if s == "" {
		return 0, "", false
	}
	r, n := utf8.DecodeRuneInString(s)
	return r, s[n:], true
}

// setRegex is an alternation: engines differ on what is special between
// brackets, so the characters in question stand outside.
func setRegex(set *[128]bool, beyond bool) string {
	var ranges strings.Builder
	var parts []string
	plain := func(c int) bool { return c <= '~' && set[c] && strings.IndexByte(`\]^-[`, byte(c)) < 0 }
	for c := int(' '); c <= '~'; c++ {
		switch {
		case !set[c]:
		case !plain(c):
			var one strings.Builder
			byteRegex(&one, byte(c), false)
			parts = append(parts, one.String())
		default:
			first := c
			for plain(c + 1) {
				c++
			}
			ranges.WriteByte(byte(first))
			if c > first {
				if c > first+1 {
					ranges.WriteByte('-')
				}
				ranges.WriteByte(byte(c))
			}
		}
	}
	if ranges.Len() > 0 {
		parts = append(parts, "["+ranges.String()+"]")
	}
	if beyond {
		parts = append(parts, wide)
	}
	if len(parts) == 0 {
		return "[^ -~]" // a class without a printable member denies what cannot be told apart
	}
	return "(" + strings.Join(parts, "|") + ")"
}
