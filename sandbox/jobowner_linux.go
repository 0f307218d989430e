package sandbox

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// deviceOf is the number of a terminal as the seventh field of /proc/PID/stat has it.
func deviceOf(terminal *os.File) int {
	var stat unix.Stat_t
	if err := unix.Fstat(int(terminal.Fd()), &stat); err != nil {
		return 0
	}
	major, minor := unix.Major(stat.Rdev), unix.Minor(stat.Rdev)
	return int(minor&0xff | major<<8 | (minor&^0xff)<<12) // new_encode_dev of linux/kdev_t.h
}

// has is what a process has to do with its controlling terminal: proc(5).
type has struct{ parent, group, device, foreground int }

func hasOf(pid string) (has, bool) {
	text, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return has{}, false
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:])) // a name holds what it likes
	if len(fields) < 6 {
		return has{}, false
	}
	var numbers [6]int
	for i := 1; i < 6; i++ {
		if numbers[i], err = strconv.Atoi(fields[i]); err != nil {
			return has{}, false
		}
	}
	return has{parent: numbers[1], group: numbers[2], device: numbers[4], foreground: numbers[5]}, true
}

// anybodyHas reports whether the terminal is the controlling one of any process.
func anybodyHas(device int) bool {
	names, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return true
	}
	for _, name := range names {
		if one, ok := hasOf(filepath.Base(name)); ok && one.device == device {
			return true
		}
	}
	return false
}

// foregroundAbove reports whether the nearest process above this one that has the
// terminal is in its foreground.
func foregroundAbove(device int) bool {
	for pid := os.Getppid(); pid > 1; {
		one, ok := hasOf(strconv.Itoa(pid))
		if !ok {
			return false
		}
		if one.device == device {
			return one.group == one.foreground
		}
		pid = one.parent
	}
	return false
}
