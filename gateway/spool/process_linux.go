package spool

import (
	"bytes"
	"fmt"
	"os"
)

// processOf says which process has a number now; empty: none, or it cannot be told.
func processOf(pid int) string {
	const began = 22 - 3 // proc_pid_stat(5): starttime, counted from the state, which follows the name
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil || len(fields) <= began {
		return ""
	}
	clock, err := os.Readlink("/proc/self/ns/time")
	if err != nil {
		clock = "-" // a kernel without them
	}
	return fmt.Sprintf("%s %s %s", bytes.TrimSpace(boot), clock, fields[began])
}
