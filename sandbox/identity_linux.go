package sandbox

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// maxCommandLine bounds the agent's own words in a Denial, in bytes.
const maxCommandLine = 4096

// identity names the processes of one cage from outside it. It keeps nothing
// that a process could forge: every answer is read when it is asked for, while
// the process waits for its refusal.
type identity struct {
	init      int // the cage's first process, on the host
	namespace *os.File
}

func newIdentity(init int) *identity {
	namespace, err := os.Open(fmt.Sprintf("/proc/%d/ns/pid", init))
	if err != nil {
		namespace = nil // then processes are found by looking through the cage's tree
	}
	return &identity{init: init, namespace: namespace}
}

func (i *identity) close() {
	if i.namespace != nil {
		_ = i.namespace.Close()
	}
}

// tgidFromNamespace is NS_GET_TGID_FROM_PIDNS of linux/nsfs.h (6.11 and later):
// the process of a thread number of that namespace, as the caller counts it.
const tgidFromNamespace = 0x8004b707

// outside returns the process that a thread number of the cage belongs to, as
// the host counts it; 0 when there is none.
func (i *identity) outside(thread int) int {
	if thread <= 0 {
		return 0
	}
	if i.namespace != nil {
		pid, _, errno := unix.Syscall(unix.SYS_IOCTL, i.namespace.Fd(), tgidFromNamespace, uintptr(thread))
		if errno == 0 {
			return int(pid)
		}
		if errno == unix.ESRCH {
			return 0
		}
	}
	suffix := "\t" + strconv.Itoa(thread)
	for _, pid := range i.processes() {
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
		if err != nil {
			continue
		}
		for _, task := range tasks {
			text, err := os.ReadFile(task)
			if err != nil {
				continue
			}
			for line := range strings.Lines(string(text)) {
				if strings.HasPrefix(line, "NSpid:") && strings.HasSuffix(strings.TrimSuffix(line, "\n"), suffix) {
					return pid
				}
			}
		}
	}
	return 0
}

// processes lists the cage's processes, as the host counts them. Orphans come
// to init, so the tree below it is all of them.
func (i *identity) processes() []int {
	all := []int{i.init}
	for at := 0; at < len(all); at++ {
		all = append(all, childrenOf(all[at])...)
	}
	return all
}

// below reports whether a thread number of the host is of the run: a process
// below init.
func (i *identity) below(thread int) bool {
	for range maxDepth {
		if thread <= 1 {
			return false
		}
		text, err := os.ReadFile("/proc/" + strconv.Itoa(thread) + "/status")
		if err != nil {
			return false
		}
		parent := 0
		for line := range strings.Lines(string(text)) {
			if value, ok := strings.CutPrefix(line, "PPid:"); ok {
				parent, err = strconv.Atoi(strings.TrimSpace(value))
				break
			}
		}
		if err != nil {
			return false
		}
		if parent == i.init {
			return true
		}
		thread = parent
	}
	return false
}

// maxDepth bounds how far a process is looked for below init.
const maxDepth = 256

// describe fills in who did it.
func (i *identity) describe(pid int) (program, commandLine string) {
	if pid <= 0 {
		return "", ""
	}
	program, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil {
		program = ""
	}
	line, err := readBounded(fmt.Sprintf("/proc/%d/cmdline", pid), maxCommandLine)
	if err != nil {
		return program, ""
	}
	return program, string(bytes.TrimSpace(bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
}

func readBounded(name string, limit int) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	buffer := make([]byte, limit)
	n, err := file.Read(buffer)
	if n > 0 {
		return buffer[:n], nil
	}
	return nil, err
}

// socketOwner finds the process that holds the socket with a local address
// inside the cage.
func (i *identity) socketOwner(table, local string) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", i.init, table))
	if err != nil {
		return 0
	}
	inode := ""
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) > 9 && fields[1] == local && fields[9] != "0" {
			inode = "socket:[" + fields[9] + "]"
			break
		}
	}
	if inode == "" {
		return 0
	}
	// Somebody holds it, and may just be moving it to another number, as a shell does that
	// has opened it; or another's end hides a child (proc(5), of children).
	for range ownerLooks {
		if pid := i.holder(inode); pid != 0 {
			return pid
		}
	}
	return 0
}

// ownerLooks is how often the holder of an open socket is looked for.
const ownerLooks = 5

// holder finds the process that has a file open, by what its descriptor's link says.
func (i *identity) holder(file string) int {
	for _, pid := range i.processes() {
		dir := fmt.Sprintf("/proc/%d/fd", pid)
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, entry := range entries {
			if target, err := os.Readlink(filepath.Join(dir, entry.Name())); err == nil && target == file {
				return pid
			}
		}
	}
	return 0
}
