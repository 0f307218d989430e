package scan

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"sync"

	"openclaw/keychain/redact"
)

// maxStrays bounds the notes about one file.
const maxStrays = 50

// inText are the pieces of a text that could be a key, or an address with a password.
var inText = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^\s"'<>]+|[A-Za-z0-9_][A-Za-z0-9_./+-]{19,}`)
})

// strays are the lines on which a key of a known form, or a password in an address,
// stands elsewhere than as a value that was found: in a comment, an alias, a command, a
// default. Nothing is cut there, so a person is told.
func (p Place) strays(data []byte, found []Finding) []int {
	masker, err := rules()
	if err != nil || bytes.IndexByte(data, 0) >= 0 {
		return nil
	}
	list, _ := p.format.parse(data) // of a text that is not understood there is none
	known := func(line int, piece string) bool {
		return slices.ContainsFunc(found, func(f Finding) bool { return f.Line == line && strings.Contains(string(f.Value.Reveal()), piece) }) ||
			slices.ContainsFunc(list, func(a assignment) bool {
				return kindOfName(a.key) == renewed && strings.Contains(string(a.value), piece)
			})
	}
	var lines []int
	for _, at := range inText().FindAllIndex(data, -1) {
		piece := string(data[at[0]:at[1]])
		line := lineAt(data, at[0])
		switch before, _, address := strings.Cut(piece, "://"); {
		case slices.Contains(lines, line):
			continue
		case address && (before == "vault" || before == "keychain" || isReference([]byte(piece)) || isExample([]byte(piece)) || masker.Text(piece) == piece):
			continue
		case !address && !isKey(masker, []byte(piece)), known(line, piece):
			continue
		}
		if lines = append(lines, line); len(lines) == maxStrays {
			break
		}
	}
	return lines
}

// isKey reports whether the whole text has the form of a provider's key.
func isKey(masker *redact.Masker, text []byte) bool {
	return len(text) >= minKey && masker.Text(string(text)) == redact.DefaultReplacement && !isExample(text)
}
