package sandbox

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// taskStatus is what /proc/PID/task/TID/status says of a thread (proc(5)). Signals
// are bits, the first is number 1.
type taskStatus struct {
	state            string
	own, shared      uint64 // waiting to be delivered to the thread, and to any of its process
	blocked, ignored uint64
	handled          uint64
	numbers          []string // of the thread, from the namespace of /proc to its own
}

// pending are the signals that the thread is about to take.
func (s taskStatus) pending() uint64 { return (s.own | s.shared) &^ s.blocked }

// tasksOf are the folders of a process's threads.
func tasksOf(pid int) []string {
	if pid <= 0 {
		return nil
	}
	folders, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/[0-9]*")
	if err != nil {
		return nil
	}
	return folders
}

// readStatus returns false when the thread has gone.
func readStatus(task string) (taskStatus, bool) {
	text, err := os.ReadFile(filepath.Join(task, "status"))
	if err != nil {
		return taskStatus{}, false
	}
	var s taskStatus
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":\t")
		switch key {
		case "State":
			s.state = value
		case "NSpid":
			s.numbers = strings.Fields(value)
		case "SigPnd":
			s.own = signalSet(value)
		case "ShdPnd":
			s.shared = signalSet(value)
		case "SigBlk":
			s.blocked = signalSet(value)
		case "SigIgn":
			s.ignored = signalSet(value)
		case "SigCgt":
			s.handled = signalSet(value)
		}
	}
	return s, s.state != ""
}

func signalSet(text string) uint64 {
	set, err := strconv.ParseUint(text, 16, 64)
	if err != nil {
		return 0
	}
	return set
}

// childrenOf lists the children of a process's threads.
func childrenOf(pid int) []int {
	var all []int
	for _, task := range tasksOf(pid) {
		text, err := os.ReadFile(filepath.Join(task, "children"))
		if err != nil {
			continue
		}
		for field := range strings.FieldsSeq(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				all = append(all, child)
			}
		}
	}
	return all
}
