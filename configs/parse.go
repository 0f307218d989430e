package configs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// MaxSize is the largest config file, in bytes.
const MaxSize = 1 << 20

// position is a place in the text, counted from 1.
type position struct{ line, column int }

// parseYAML turns text into its one document; a nil node means that the text
// holds no value. It never panics, whatever the text.
func parseYAML(file string, text []byte) (root *yaml.Node, problems []Problem) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if problem := checkText(file, text); problem != nil {
		return nil, []Problem{*problem}
	}
	document, second, err := readDocuments(text)
	switch {
	case err != nil:
		return nil, []Problem{yamlProblem(file, text, err)}
	case second != nil:
		return nil, []Problem{{
			File: file, Line: second.Line, Column: second.Column,
			Message: "a second YAML document starts here", Hint: "keep one document; remove the line ---",
		}}
	case document == nil || len(document.Content) == 0:
		return nil, nil
	}
	return document.Content[0], nil
}

// readDocuments reads the first document and says whether there is a second.
func readDocuments(text []byte) (first, second *yaml.Node, err error) {
	defer func() {
		// The YAML reader panics on some malformed texts; for us that is one
		// more syntax error.
		if r := recover(); r != nil {
			first, second, err = nil, nil, errors.New("yaml: not readable as YAML")
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var one, two yaml.Node
	if err := decoder.Decode(&one); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil, nil
		}
		return nil, nil, err
	}
	switch err := decoder.Decode(&two); {
	case errors.Is(err, io.EOF):
		return &one, nil, nil
	case err != nil:
		return nil, nil, err
	}
	return &one, &two, nil
}

// checkText finds what no YAML file of ours may hold: too many bytes, bytes
// that are not UTF-8, control characters, and characters that make the text
// look different from what it says.
func checkText(file string, text []byte) *Problem {
	problem := func(offset int, message, hint string) *Problem {
		at := positionOf(text, offset)
		return &Problem{File: file, Line: at.line, Column: at.column, Message: message, Hint: hint}
	}
	switch {
	case len(text) > MaxSize:
		return &Problem{
			File: file, Message: fmt.Sprintf("is %d bytes; a config holds at most %d", len(text), MaxSize),
			Hint: "is this the right file?",
		}
	case bytes.HasPrefix(text, []byte{0xff, 0xfe}), bytes.HasPrefix(text, []byte{0xfe, 0xff}):
		return problem(0, "is UTF-16, not UTF-8", "save it as UTF-8")
	}
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return problem(i, fmt.Sprintf("byte 0x%02x is not UTF-8", text[i]), "save the file as UTF-8")
		case r == '\t', r == '\n', r == '\r' && bytes.HasPrefix(text[i:], []byte("\r\n")):
		case r == '\r', r == '\u0085', r == '\u2028', r == '\u2029':
			// YAML ends a line here and many editors do not: a rule could hide
			// behind a comment.
			return problem(i, fmt.Sprintf("holds the line end U+%04X, which editors do not show", r), "save the file with ordinary line ends")
		case r == 0:
			return problem(i, "holds a NUL byte", "the file is damaged or not text; restore it from a backup")
		case unicode.IsControl(r):
			return problem(i, fmt.Sprintf("holds the control character U+%04X", r), "remove it")
		case r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
			return problem(i, fmt.Sprintf("holds U+%04X, which makes the text look different from what it says", r), "remove it")
		}
		i += size
	}
	return nil
}

func positionOf(text []byte, offset int) position {
	start := bytes.LastIndexByte(text[:offset], '\n') + 1
	return position{
		line:   bytes.Count(text[:offset], []byte{'\n'}) + 1,
		column: utf8.RuneCount(text[start:offset]) + 1,
	}
}

// maxSearch is the largest text, in bytes, in which a syntax error's exact line
// is searched for: each step reads half of it again.
const maxSearch = 128 << 10

var (
	yamlPlace  = form(`^yaml: (?:line (\d+): )?`)
	yamlAnchor = form(`'[^']*'`)
)

// yamlProblem gives a syntax error its place. The YAML reader names the line of
// the surrounding block, if any; here it is the first line at which the text up
// to there already fails in the same way, found by halving.
func yamlProblem(file string, text []byte, err error) Problem {
	message := reason(err)
	lines := bytes.SplitAfter(text, []byte{'\n'})
	fails := func(n int) bool {
		_, _, err := readDocuments(bytes.Join(lines[:n], nil))
		return err != nil && reason(err) == message
	}
	line := 1
	if len(text) <= maxSearch {
		line = sort.Search(len(lines), fails)
	} else if m := yamlPlace().FindStringSubmatch(err.Error()); m != nil && m[1] != "" {
		line, _ = strconv.Atoi(m[1]) // digits only
	}
	line = max(1, min(line, len(lines)))
	for line > 1 && len(bytes.TrimSpace(lines[line-1])) == 0 {
		line--
	}
	indent := len(lines[line-1]) - len(bytes.TrimLeft(lines[line-1], " "))
	return Problem{
		File: file, Line: line, Column: indent + 1,
		// An anchor's name can be a secret that starts with * or &.
		Message: "not YAML: " + yamlAnchor().ReplaceAllString(message, "…"),
		Hint:    yamlHint(message, lines[line-1]),
	}
}

func reason(err error) string { return yamlPlace().ReplaceAllString(err.Error(), "") }

func yamlHint(message string, line []byte) string {
	has := func(part string) bool { return strings.Contains(message, part) }
	switch {
	case bytes.HasPrefix(bytes.TrimLeft(line, " "), []byte{'\t'}):
		return "YAML indents with spaces, not tabs"
	case has("cannot start any token"):
		return `put quotes around a value that starts with @, %, ` + "`" + ` or a tab`
	case has("mapping values are not allowed"):
		return `a value with ": " in it needs quotes; or the line above lacks its colon`
	case has("could not find expected ':'"):
		return "the line lacks its colon, or the file is cut off here"
	case has("did not find expected key"), has("did not find expected '-' indicator"):
		return "lines of one block start in the same column"
	case has("unexpected end of stream"):
		return "a quote is opened and never closed"
	case has("',' or"):
		return "a [ or { is opened and never closed"
	case has("unknown anchor"):
		return "put quotes around a value that starts with *"
	}
	return ""
}

// sortProblems orders problems by place, those of the whole file first, errors
// before warnings at one place, and drops repeats.
func sortProblems(problems []Problem) []Problem {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		switch {
		case a.Line != b.Line:
			return a.Line - b.Line
		case a.Column != b.Column:
			return a.Column - b.Column
		case a.Warning != b.Warning && b.Warning:
			return -1
		case a.Warning != b.Warning:
			return 1
		}
		return strings.Compare(a.Key, b.Key)
	})
	return slices.Compact(problems)
}

// quote shows a value in a message: short, printable, and bullets when it looks
// like a secret that was put into the wrong field.
func quote(value string) string {
	if maskText(value) != value {
		return mask
	}
	if r := []rune(value); len(r) > 40 {
		value = string(r[:40]) + "…"
	}
	return strconv.Quote(value)
}
