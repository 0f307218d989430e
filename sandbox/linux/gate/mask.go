//go:build linux

package gate

import (
	"bytes"
	"os"
	"strconv"
)

// ownMask is this process's file mode creation mask, which the kernel would take
// off a second time what the caller's has been taken off already.
func ownMask() uint32 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0o777
	}
	for line := range bytes.Lines(text) {
		if value, ok := bytes.CutPrefix(line, []byte("Umask:")); ok {
			if mask, err := strconv.ParseUint(string(bytes.TrimSpace(value)), 8, 32); err == nil {
				return uint32(mask)
			}
		}
	}
	return 0o777
}
