package view

import (
	"fmt"
	"strings"
)

// maxSavedLine bounds a saved line, in bytes.
const maxSavedLine = 500

// JudgeFilter says what is wrong with a filter line that is to be saved, and what to
// do; empty: nothing.
func JudgeFilter(line string) (message, hint string) {
	const example = "write one such as agent:coder -state:closed since:1h"
	switch {
	case strings.TrimSpace(line) == "":
		return "an empty filter", example
	case len(line) > maxSavedLine:
		return fmt.Sprintf("longer than %d bytes", maxSavedLine), "a filter of the screen is one line"
	case !isPrintable(line):
		return "holds a character that cannot be seen", example
	}
	for _, word := range splitFilter(line) {
		if strings.HasPrefix(word, "@") {
			return "a saved filter cannot hold another, " + word, "write that one's line in its place; /" + word + "/ finds it as text"
		}
	}
	// The keys of every view: one that a view lacks is text there.
	if _, err := ParseFilter(line, append([]string{"kind", "state", "op"}, lineKeys[:]...)); err != nil {
		return faultText(nil, err), example
	}
	return "", ""
}
