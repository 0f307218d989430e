package policy

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// expander turns a path as a person writes it into an absolute and clean one.
type expander struct {
	home   string
	getenv func(string) string
}

// path expands a plain path. A pattern is an error.
func (e expander) path(written string) (string, error) {
	if strings.ContainsAny(written, "*?[") {
		return "", errors.New("patterns work only in denied_paths; write the folder itself")
	}
	expanded, err := e.variables(written, false)
	if err != nil {
		return "", err
	}
	return cleanAbsolute(written, expanded)
}

// pattern expands an entry of denied_paths, which may be a pattern. "**/.env"
// is meant anywhere, so it starts at the root.
func (e expander) pattern(written string) (expanded string, glob bool, err error) {
	if !strings.ContainsAny(written, "*?[") {
		expanded, err = e.path(written)
		return expanded, false, err
	}
	if strings.HasPrefix(written, "**/") {
		written = "/" + written
	}
	expanded, err = e.variables(written, true)
	if err != nil {
		return "", true, err
	}
	if expanded, err = cleanAbsolute(written, expanded); err != nil {
		return "", true, err
	}
	return expanded, true, checkGlob(expanded)
}

// variables replaces ~, $NAME, ${NAME} and $$. In a pattern, what a variable
// holds is taken literally.
func (e expander) variables(written string, pattern bool) (string, error) {
	literal := func(s string) string {
		if pattern {
			return quoteGlob(s)
		}
		return s
	}
	var b strings.Builder
	rest := written
	if strings.HasPrefix(rest, "~") {
		if rest != "~" && rest[1] != '/' {
			return "", fmt.Errorf("%q names another person's home; write the whole path", written)
		}
		b.WriteString(literal(e.home))
		rest = rest[1:]
	}
	for rest != "" {
		before, after, found := strings.Cut(rest, "$")
		b.WriteString(before)
		if !found {
			break
		}
		if strings.HasPrefix(after, "$") {
			b.WriteByte('$')
			rest = after[1:]
			continue
		}
		name, tail, err := variableName(after)
		if err != nil {
			return "", fmt.Errorf("%q: %w", written, err)
		}
		value := e.getenv(name)
		if value == "" {
			return "", fmt.Errorf("the variable %s is not set", name)
		}
		if strings.Contains(value, "\n") || !utf8.ValidString(value) {
			return "", fmt.Errorf("the variable %s holds a line break, or bytes that are not UTF-8: it is to be one path", name)
		}
		b.WriteString(literal(value))
		rest = tail
	}
	return b.String(), nil
}

// variableName takes NAME or {NAME} off the start of s.
func variableName(s string) (name, rest string, err error) {
	if strings.HasPrefix(s, "{") {
		name, rest, found := strings.Cut(s[1:], "}")
		if !found {
			return "", "", errors.New("a ${ has no }")
		}
		if name == "" || nameLength(name) != len(name) {
			return "", "", fmt.Errorf("%q is not a variable's name", name)
		}
		return name, rest, nil
	}
	n := nameLength(s)
	if n == 0 {
		return "", "", errors.New("a $ stands before no name; write $$ for a dollar sign")
	}
	return s[:n], s[n:], nil
}

func nameLength(s string) int {
	for i := range len(s) {
		c := s[i]
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		digit := '0' <= c && c <= '9'
		if !letter && (!digit || i == 0) {
			return i
		}
	}
	return len(s)
}

func cleanAbsolute(written, expanded string) (string, error) {
	switch {
	case expanded == "":
		return "", errors.New("the path is empty (YAML reads a lone ~ as nothing; write \"~\")")
	case expanded[0] != '/':
		return "", fmt.Errorf("%q is relative; start it with / or ~/", written)
	case strings.ContainsFunc(expanded, func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f }):
		return "", errors.New("the path holds a control character; in denied_paths a ? stands for it, elsewhere name the folder above")
	case breaksBetweenNames(expanded):
		return "", errors.New("a line break in a path stands inside a name: write one path an entry; in denied_paths a ? stands for any character")
	}
	if slices.Contains(strings.Split(expanded, "/"), "..") {
		return "", fmt.Errorf("%q holds ..; with links on the way it could mean another place, write the path without it", written)
	}
	return path.Clean(expanded), nil
}

// breaksBetweenNames reports a line break that is hardly a part of a name: several paths
// that were written as one, of which none would be guarded, or the end of a block of text.
func breaksBetweenNames(name string) bool {
	lines := strings.Split(name, "\n")
	for i, line := range lines {
		first, last := i == 0, i == len(lines)-1
		if !first && (line == "" || strings.ContainsAny(line[:1], "/~ ")) || !last && strings.HasSuffix(line, "/") {
			return true
		}
	}
	return false
}

// oneLine is what a person wrote, for a rule's text.
func oneLine(written string) string { return strings.ReplaceAll(written, "\n", `\n`) }

// under reports whether name is folder or lies below it. Both are clean.
func under(name, folder string) bool {
	if folder == "/" {
		return strings.HasPrefix(name, "/")
	}
	return len(folder) > 0 && strings.HasPrefix(name, folder) && (len(name) == len(folder) || name[len(folder)] == '/')
}

func cutSpace(s string) (first, rest string) {
	first, rest, _ = strings.Cut(s, " ")
	return first, rest
}
