package darwin

import (
	"errors"
	"strings"
)

// quote writes s as a string of the profile language, whose reader gives a
// meaning to a quotation mark and a backslash only: any other byte stands for
// itself.
func quote(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 2)
	b.WriteByte('"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	b.WriteByte('"')
	return b.String()
}

// maxTag bounds a run's name in a tag, in bytes.
const maxTag = 128

// checkRun reports why a run's name cannot be part of a tag.
func checkRun(run string) error {
	if run == "" || len(run) > maxTag {
		return errors.New("the run's name is empty or too long for a tag")
	}
	for i := range len(run) {
		c := run[i]
		plain := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.'
		if !plain {
			return errors.New("the run's name holds a character that a tag cannot have")
		}
	}
	return nil
}
