package configs

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// expandPath turns a path as a person writes it into an absolute, clean one.
// ~ is home; $NAME and ${NAME} are variables; $$ is a dollar sign.
func expandPath(written, home string, getenv func(string) string) (string, error) {
	var b strings.Builder
	rest := written
	switch {
	case written == "":
		return "", errors.New("is empty")
	case rest == "~" || strings.HasPrefix(rest, "~/"):
		b.WriteString(home)
		rest = rest[1:]
	case strings.HasPrefix(rest, "~"):
		return "", errors.New("only ~/ stands for a home folder; write the path of another user's in full")
	}
	for {
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
		name, remainder, ok := variable(after)
		if !ok {
			return "", errors.New("$ must be followed by a variable's name; a dollar sign is written $$")
		}
		value := getenv(name)
		if value == "" {
			return "", fmt.Errorf("the variable %s is not set", name)
		}
		b.WriteString(value)
		rest = remainder
	}
	path := b.String()
	if !filepath.IsAbs(path) {
		return "", errors.New("must be absolute: start it with / or ~/")
	}
	return filepath.Clean(path), nil
}

// ExpandPath turns a path as a person writes it in this config into an absolute,
// clean one: ~ is the home folder, $NAME and ${NAME} are variables, $$ is a dollar
// sign.
func (s *Snapshot) ExpandPath(written string) (string, error) {
	return expandPath(written, s.options.Home, s.options.Getenv)
}

// WrittenPath is an absolute path as a person writes it: from ~ on where it lies below
// home, and with a dollar sign doubled, so that ExpandPath gives it back.
func WrittenPath(path, home string) string {
	path = strings.ReplaceAll(path, "$", "$$")
	if below, ok := strings.CutPrefix(path, strings.ReplaceAll(filepath.Clean(home), "$", "$$")+"/"); ok {
		return "~/" + below
	}
	return path
}

// variable reads NAME or {NAME} at the start of text.
func variable(text string) (name, rest string, ok bool) {
	braces := strings.HasPrefix(text, "{")
	if braces {
		name, rest, ok = strings.Cut(text[1:], "}")
		return name, rest, ok && variableName(name)
	}
	end := 0
	for end < len(text) && (text[end] == '_' || isLetter(text[end]) || end > 0 && isDigit(text[end])) {
		end++
	}
	return text[:end], text[end:], end > 0
}

func variableName(name string) bool {
	for i := range len(name) {
		if c := name[i]; c != '_' && !isLetter(c) && (i == 0 || !isDigit(c)) {
			return false
		}
	}
	return name != ""
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
