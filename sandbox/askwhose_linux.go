package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/gate"
	"openclaw/sandbox/linux/seccomp"
)

// process is the process of a thread of the cage that waits for an answer. Its number
// alone would not do: the cage has few of them, and a program can have them come round
// within a second.
func (i *identity) process(thread int) gate.Process { return processOf(i.outside(thread)) }

// processOf is a process by its number on the host; the zero value when it has gone.
func processOf(pid int) gate.Process {
	began, ok := Began(pid)
	if !ok {
		return gate.Process{}
	}
	return gate.Process{PID: pid, Began: began}
}

// callerProcess is the process of a call, while it waits for an answer.
func callerProcess(call seccomp.Call) gate.Process {
	pid, waits := call.Process()
	if !waits {
		return gate.Process{}
	}
	return processOf(pid)
}

// TakeBack ends what every yes covers from here on: the next call is asked about again.
// What was opened by one stays open.
func (p *Process) TakeBack() {
	if p.gate != nil {
		p.gate.TakeBack()
	}
	if p.reduced != nil && p.reduced.way != nil {
		p.reduced.way.withdrawAll()
	}
}

// holds reports whether the process of a thread has a file of the gate open, and not
// only by name (O_PATH), which the gate is not asked about. Nothing here touches the file:
// the gate would have to answer for that.
func (i *identity) holds(thread int, name string, inode, veiled uint64) bool {
	pid := i.outside(thread)
	if pid == 0 {
		return false
	}
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, entry := range entries {
		target, err := os.Readlink(filepath.Join(dir, entry.Name()))
		if err != nil || target != name {
			continue
		}
		info := descriptorOf(pid, entry.Name())
		flags, err := strconv.ParseUint(info["flags"], 8, 64)
		if err != nil || flags&unix.O_PATH != 0 || !servedMount(pid, info["mnt_id"]) {
			continue
		}
		if ino := info["ino"]; ino == strconv.FormatUint(inode, 10) || ino == strconv.FormatUint(veiled, 10) {
			return true
		}
	}
	return false
}

// descriptorOf is what /proc/PID/fdinfo says of a descriptor.
func descriptorOf(pid int, number string) map[string]string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%s", pid, number))
	if err != nil {
		return nil
	}
	info := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok {
			info[key] = strings.TrimSpace(value)
		}
	}
	return info
}

// servedMount reports whether a mount of a process is of the gate: there is no other FUSE
// in a cage, and a nested sandbox can mount none.
func servedMount(pid int, number string) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/mountinfo", pid))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		if id, rest, _ := strings.Cut(line, " "); id == number {
			_, kind, _ := strings.Cut(rest, " - ")
			return strings.HasPrefix(kind, "fuse")
		}
	}
	return false
}
