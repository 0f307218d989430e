package sandbox

import (
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// orphaned reports whether nobody could have a stopped group go on: no process of
// it has a parent in another group of the same session (POSIX.1-2017, 3.264). The
// kernel then lets no key stop it, and nor is it stopped here.
func orphaned(group int) bool {
	for _, pid := range membersOf(group) {
		parent := parentOf(pid)
		if parent <= 0 || groupOf(parent) == group {
			continue
		}
		theirs, err := unix.Getsid(parent)
		ours, own := unix.Getsid(pid)
		if err == nil && own == nil && theirs == ours {
			return false
		}
	}
	return true
}

// membersOf lists the processes of a group.
func membersOf(group int) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var all []int
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil && groupOf(pid) == group {
			all = append(all, pid)
		}
	}
	return all
}

// signalIf sends a signal to a process that is still the one meant, as is says once it is
// held: its number may be another's by then.
func signalIf(pid int, sent syscall.Signal, is func() bool) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return // it has ended
	}
	defer func() { _ = unix.Close(fd) }()
	if is() {
		_ = unix.PidfdSendSignal(fd, sent, nil, 0)
	}
}

// parentOf is 0 when there is none.
func parentOf(pid int) int {
	one, _ := hasOf(strconv.Itoa(pid))
	return one.parent
}
