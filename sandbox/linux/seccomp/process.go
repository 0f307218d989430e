//go:build linux

package seccomp

import (
	"bytes"
	"errors"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// processOf finds the process of a thread; the thread itself when it has gone.
// It tries the cheap ways first: all of this is on the way of every call that
// is handed over.
func processOf(tid int) int {
	// Linux 6.13: a descriptor of the thread tells its process.
	if fd, err := unix.PidfdOpen(tid, pidfdThread); err == nil {
		pid, err := processOfDescriptor(fd)
		_ = unix.Close(fd)
		if err == nil {
			return pid
		}
	}
	// Older: only the first thread of a process has a descriptor.
	if fd, err := unix.PidfdOpen(tid, 0); err == nil {
		_ = unix.Close(fd)
		return tid
	}
	return processFromText(tid)
}

// From the kernel's include/uapi/linux/pidfd.h.
const (
	pidfdThread   = unix.O_EXCL // PIDFD_THREAD
	pidfdGetInfo  = 0xc040ff0b  // PIDFD_GET_INFO with the first version of the structure
	pidfdInfoPIDs = 1           // PIDFD_INFO_PID
)

// descriptorInfo is struct pidfd_info, first version.
type descriptorInfo struct {
	mask    uint64
	_       uint64 // cgroup
	pid     uint32
	process uint32
	_       [40]byte // parent, users and groups, exit code
}

func processOfDescriptor(fd int) (int, error) {
	info := descriptorInfo{mask: pidfdInfoPIDs}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), pidfdGetInfo, uintptr(unsafe.Pointer(&info))) //nolint:gosec // the kernel writes during the call
	if errno != 0 {
		return 0, errno
	}
	if info.mask&pidfdInfoPIDs == 0 || info.process == 0 {
		return 0, errors.New("the kernel does not say")
	}
	return int(info.process), nil
}

func processFromText(tid int) int {
	fd, err := unix.Open("/proc/"+strconv.Itoa(tid)+"/status", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return tid
	}
	var buffer [512]byte
	n, err := unix.Read(fd, buffer[:])
	_ = unix.Close(fd)
	if err != nil {
		return tid
	}
	_, rest, found := bytes.Cut(buffer[:n], []byte("\nTgid:\t"))
	if !found {
		return tid
	}
	digits, _, _ := bytes.Cut(rest, []byte("\n"))
	pid, err := strconv.Atoi(string(digits))
	if err != nil {
		return tid
	}
	return pid
}
