package escape_test

import "golang.org/x/sys/unix"

// leftOut are calls of this processor that would only end or stop the fuzzer.
func leftOut() []uintptr {
	return []uintptr{
		unix.SYS_FORK, unix.SYS_VFORK, unix.SYS_ARCH_PRCTL, unix.SYS_PAUSE, unix.SYS_SELECT, unix.SYS_POLL, unix.SYS_SET_THREAD_AREA, unix.SYS_MODIFY_LDT, unix.SYS_ALARM, unix.SYS_EPOLL_WAIT, unix.SYS_URETPROBE, unix.SYS_UPROBE,
	}
}
