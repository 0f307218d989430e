package sandbox

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// probeName is a name that nobody has.
func probeName() string { return ".openclaw-self-test-" + rand.Text() }

// pidOf asks the kernel which process a descriptor is of.
func pidOf(pidfd int) int {
	info, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", pidfd))
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(info) {
		if value, ok := strings.CutPrefix(string(line), "Pid:"); ok {
			if pid, err := strconv.Atoi(strings.TrimSpace(value)); err == nil && pid > 0 {
				return pid
			}
		}
	}
	return 0
}
