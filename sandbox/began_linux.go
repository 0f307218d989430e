package sandbox

import (
	"bytes"
	"os"
	"strconv"
)

// Began is when a process of this machine began, in the kernel's clock ticks since the
// machine did: with its number it names that process, and none that has the number later.
// ok is false for one that has gone, and where it cannot be told.
func Began(pid int) (ticks uint64, ok bool) {
	const began = 22 - 3 // proc_pid_stat(5): starttime, counted from the state, which follows the name
	if pid <= 0 {
		return 0, false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, false
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]) // a name holds what it likes
	if len(fields) <= began {
		return 0, false
	}
	ticks, err = strconv.ParseUint(string(fields[began]), 10, 64)
	return ticks, err == nil
}
