package spool

import (
	"bytes"
	"fmt"
	"os"

	"openclaw/sandbox"
)

// processOf says which process has a number now; empty: none, or it cannot be told.
func processOf(pid int) string {
	began, ok := sandbox.Began(pid)
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil || !ok {
		return ""
	}
	clock, err := os.Readlink("/proc/self/ns/time")
	if err != nil {
		clock = "-" // a kernel without them
	}
	return fmt.Sprintf("%s %s %d", bytes.TrimSpace(boot), clock, began)
}
