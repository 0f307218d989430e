//go:build unix

package gateway

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Lock is held by the one gateway of a state folder. The kernel gives it back
// when the process ends, however it ends.
type Lock struct{ file *os.File }

// TakeLock makes this process the one gateway of a state folder; path is
// Layout.Lock. Another gateway is an *Error of KindRunning that names its pid.
func TakeLock(path string) (*Lock, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, &Error{Op: "lock state folder", Kind: KindFailed, Err: err, Hint: "check who owns the state folder and that the disk is not full"}
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer file.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, &Error{Op: "lock state folder", Kind: KindFailed, Err: err, Hint: "the state folder must be on a local file system"}
		}
		pid := readPID(file)
		text := "a gateway already runs"
		if pid != 0 {
			text = fmt.Sprintf("a gateway already runs (pid %d)", pid)
		}
		return nil, &Error{Op: "lock state folder", Kind: KindRunning, PID: pid, Err: errors.New(text), Hint: "use it ('openclaw tui'), or stop it ('openclaw gateway stop')"}
	}
	// A lock file without its pid still locks.
	if err := file.Truncate(0); err == nil {
		_, _ = file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return &Lock{file: file}, nil
}

func readPID(file *os.File) int {
	buffer := make([]byte, 32)
	n, _ := file.ReadAt(buffer, 0)
	pid, _ := strconv.Atoi(strings.TrimSpace(string(buffer[:n])))
	return pid
}

// Release gives the lock back. The file stays: removing it would let two
// gateways lock two files of one name.
func (l *Lock) Release() {
	_ = l.file.Truncate(0)
	l.file.Close()
}

// alive reports whether a process is there and has not ended: one that nobody
// has waited for yet still takes signals.
func alive(pid int) bool {
	return pid > 0 && !errors.Is(unix.Kill(pid, 0), unix.ESRCH) && !ended(pid)
}
