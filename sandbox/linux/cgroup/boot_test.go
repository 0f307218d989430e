//go:build linux

package cgroup

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// boot becomes user-mode Linux, which finds no XSAVE state in its processes. Debian's
// (6.1) has room for 2,696 bytes of it, and ends where a processor has more, as one with
// AMX does (11,008): the kernel takes all of it or nothing (PTRACE_SETREGSET, EFAULT).
// Where it cannot be read, user-mode Linux keeps the registers of FXSAVE, on every
// processor. What runs inside uses no others then: GODEBUG=cpu.all=off.
func boot(argv []string) error {
	runtime.LockOSThread() // the filter is this thread's, and the program's that it becomes
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no new privileges: %w", err)
	}
	const (
		number, request, kind = 0, 16, 32 // offsets in struct seccomp_data: the call, its first and third argument
		xstate                = 0x202     // NT_X86_XSTATE
	)
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	unless := func(value uint32, skip uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: value, Jf: skip}
	}
	filter := []unix.SockFilter{
		load(number), unless(unix.SYS_PTRACE, 5),
		load(request), unless(unix.PTRACE_GETREGSET, 3),
		load(kind), unless(xstate, 1),
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EIO)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&program))); errno != 0 {
		return fmt.Errorf("filter: %w", errno)
	}
	environ := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, childVariable+"=") })
	return fmt.Errorf("start %s: %w", argv[0], unix.Exec(argv[0], argv, environ))
}
