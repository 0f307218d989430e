package sandbox

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// stopPending reports whether a process is to stop by the key and has not yet:
// some of its threads have, or the signal waits to be delivered (proc(5)). One
// that blocks or ignores the signal is not going to.
func stopPending(pid int) bool {
	lists, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/status")
	if err != nil {
		return false
	}
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue
		}
		var pending, deaf uint64
		for line := range strings.Lines(string(text)) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), ":\t")
			set, _ := strconv.ParseUint(value, 16, 64)
			switch key {
			case "State":
				if strings.HasPrefix(value, "T") {
					return true
				}
			case "SigPnd", "ShdPnd":
				pending |= set
			case "SigBlk", "SigIgn":
				deaf |= set
			}
		}
		if pending&^deaf&(1<<(unix.SIGTSTP-1)) != 0 {
			return true
		}
	}
	return false
}
