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
	sockets := map[string]bool{} // "socket:[inode]"
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		listeningInodes(table, port, sockets)
	}
	if len(sockets) == 0 {
		return "another program", 0
	}
	descriptors, _ := filepath.Glob("/proc/[0-9]*/fd/*") // what cannot be read is another user's
	for _, path := range descriptors {
		target, err := os.Readlink(path)
		if err != nil || !sockets[target] {
			continue
		}
		number, _ := strconv.Atoi(strings.Split(path, "/")[2])
		name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", number))
		if err != nil {
			return fmt.Sprintf("process %d", number), number
		}
		return fmt.Sprintf("%s (pid %d)", strings.TrimSpace(string(name)), number), number
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
		const local, state, inode, listening = 1, 3, 9, "0A"
		if len(fields) > inode && fields[state] == listening && strings.HasSuffix(fields[local], suffix) {
			to["socket:["+fields[inode]+"]"] = true
		}
	}
}

// programOf returns the path of a process's program, by the kernel's word.
func programOf(pid int) string {
	path, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil {
		return ""
	}
	return path
}
