package gateway

import (
	"bytes"
	"fmt"
	"os"
)

// ended reports whether a process waits for its parent to take its status.
func ended(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false // kill has the word
	}
	// The state follows the name, which is in parentheses and may hold any byte.
	_, rest, found := bytes.Cut(text[bytes.LastIndexByte(text, ')')+1:], []byte(" "))
	return found && len(rest) > 0 && (rest[0] == 'Z' || rest[0] == 'X')
}
