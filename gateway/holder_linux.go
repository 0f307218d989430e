package gateway

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// portHolder says who listens on a TCP port: programs of ours by name and pid,
// others as another user's.
func portHolder(port uint16) (who string, pid int) {
	sockets := map[string]bool{} // "socket:[inode]"; true if it is this user's
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		listeningInodes(table, port, sockets)
	}
	if len(sockets) == 0 {
		return "another program", 0
	}
	descriptors, _ := filepath.Glob("/proc/[0-9]*/fd/*") // what cannot be read is another user's
	for _, path := range descriptors {
		target, err := os.Readlink(path)
		if _, is := sockets[target]; err != nil || !is {
			continue
		}
		number, _ := strconv.Atoi(strings.Split(path, "/")[2])
		name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", number))
		if err != nil {
			return fmt.Sprintf("process %d", number), number
		}
		return fmt.Sprintf("%s (pid %d)", strings.TrimSpace(string(name)), number), number
	}
	for _, own := range sockets {
		if own {
			return "a program of this user that hides its memory, as an openclaw gateway does", 0
		}
	}
	return "another user's program", 0
}

// listeningInodes adds the sockets of a /proc/net table that listen on port.
func listeningInodes(table string, port uint16, to map[string]bool) {
	file, err := os.Open(table)
	if err != nil {
		return
	}
	defer file.Close()
	suffix := fmt.Sprintf(":%04X", port)
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		const local, state, owner, inode, listening = 1, 3, 7, 9, "0A"
		if len(fields) > inode && fields[state] == listening && strings.HasSuffix(fields[local], suffix) {
			to["socket:["+fields[inode]+"]"] = fields[owner] == strconv.Itoa(os.Geteuid())
		}
	}
}

// programOf returns the path of a process's program, by the kernel's word; of one
// that hides its memory its own name for itself, in brackets as ps has it.
func programOf(pid int) string {
	path, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err == nil {
		return path
	}
	// A process that hides its memory hides its program too, but for its name.
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return ""
	}
	return "[" + strings.TrimSpace(string(name)) + "]"
}
