//go:build linux

package resident

import (
	"bytes"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// LeaveProgram gives back the pages of this program's file, and of every other that
// is mapped. Whoever calls it has started what takes long: a cage's init, whose few
// pages come back, is also sooner at its end, since the kernel has none to take apart
// before it tells of that.
//
// It leaves out what is written to, now or once: a page that has become this
// process's own would come back as it is in the file. Where the kernel does not
// tell, all of it stays.
func LeaveProgram() {
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return
	}
	for _, m := range unchanged(text) {
		// Not unix.Madvise, which is for memory of Go's own.
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, m.start, m.end-m.start, unix.MADV_DONTNEED)
	}
}

// mapping is a range of addresses.
type mapping struct{ start, end uintptr }

// unchanged finds the mappings of files that nobody can write and that hold no
// page of the process's own, in the text of proc_pid_smaps(5).
func unchanged(smaps []byte) []mapping {
	var list []mapping
	var at mapping
	candidate := false
	for line := range bytes.Lines(smaps) {
		// A mapping begins with its addresses, in small hexadecimal digits; what is
		// said of it, with a capital letter.
		if c := line[0]; '0' <= c && c <= '9' || 'a' <= c && c <= 'f' {
			at, candidate = begun(string(line))
			continue
		}
		if own, ok := bytes.CutPrefix(line, []byte("Anonymous:")); ok && candidate {
			if string(bytes.TrimSpace(own)) == "0 kB" {
				list = append(list, at)
			}
			candidate = false
		}
	}
	return list
}

// begun reads the first line of a mapping, and whether it is of a file that
// cannot be written through it.
func begun(line string) (m mapping, candidate bool) {
	var mode string
	var offset, inode uint64
	var major, minor uint32
	n, err := fmt.Sscanf(line, "%x-%x %4s %x %x:%x %d", &m.start, &m.end, &mode, &offset, &major, &minor, &inode)
	if err != nil || n != 7 {
		return m, false
	}
	return m, inode != 0 && len(mode) == 4 && mode[0] == 'r' && mode[1] == '-' && mode[3] == 'p'
}
