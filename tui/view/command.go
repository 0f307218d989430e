package view

import (
	"errors"
	"strings"

	"openclaw/gateway/event"
)

// SplitCommand cuts a line into a command and its arguments as a shell does: at
// blanks, but not inside quotes. Nothing else of a shell works: no variable, no
// pipe, no pattern. Its errors are in the language.
func SplitCommand(w *Words, line string) ([]string, error) {
	var words []string
	var word strings.Builder
	quote, open := rune(0), false // open: a word has begun
	runes := []rune(line)
	for i := 0; i < len(runes); i++ {
		switch r := runes[i]; {
		case quote == '\'' && r != '\'':
			word.WriteRune(r)
		case r == quote && quote != 0:
			quote = 0
		case r == '\\':
			if i++; i == len(runes) {
				return nil, errors.New(w.T("a \\ stands at the end"))
			}
			if quote == '"' && !strings.ContainsRune("\"\\$`", runes[i]) {
				word.WriteRune(r)
			}
			word.WriteRune(runes[i])
			open = true
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, open = r, true
		case r == ' ' || r == '\t':
			if open {
				words = append(words, word.String())
				word.Reset()
				open = false
			}
		default:
			word.WriteRune(r)
			open = true
		}
	}
	if quote != 0 {
		return nil, errors.New(w.T("a quote is not closed"))
	}
	if open {
		words = append(words, word.String())
	}
	return words, nil
}

// JoinCommand writes a command so that SplitCommand reads the same.
func JoinCommand(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = w
		if w == "" || strings.ContainsAny(w, " \t'\"\\|&;<>()$`*?[]{}~#!") {
			quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}

// CommandText is what is known of a run's command.
func CommandText(w *Words, r *event.Run) string {
	command := JoinCommand(r.Command)
	if r.Untold > 0 {
		command = w.T("%s … (words not on record: %s)", command, itoa(r.Untold))
	}
	return command
}
