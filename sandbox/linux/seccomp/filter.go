//go:build linux

package seccomp

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Options choose among filters.
type Options struct {
	Arch   string // "amd64" or "arm64"; empty: the running one
	Notify bool   // hand the calls that a policy has a word on to a Listener; false: they are allowed

	// EveryOpen hands over opens for reading too: for a cage that has nothing
	// else to see them by. It costs 10 to 20 µs an open.
	EveryOpen bool

	// Reduced makes the filter of a cage without namespaces: what they would
	// hold is refused here, or handed over to a handler that does it in the
	// program's place; see reduced.go. It implies EveryOpen.
	Reduced bool

	// Nested allows what sandboxes inside the cage are made with: namespaces and
	// mounts. CgroupNamespaces allows cgroup namespaces among them.
	Nested           bool
	CgroupNamespaces bool

	// SizeLimit is the limit of the run's files in bytes (RLIMIT_FSIZE), 0 for none: calls
	// that say how large a file is to be are handed over; see size.go.
	SizeLimit int64

	// NoScopes is for a kernel whose Landlock keeps no signal inside: a signal to
	// the caller's own process group is refused: it is the one signal that can leave a
	// process namespace. The command leads a group of its own, so it is a second lock.
	NoScopes bool

	// Internet, with Reduced, allows TCP sockets over IPv4; each connect is handed
	// over.
	Internet bool

	judging bool // for a Listener; see barred
}

// maxInstructions is the kernel's own limit, BPF_MAXINSNS.
const maxInstructions = 4096

// Build makes the filter of the table.
func Build(o Options) ([]unix.SockFilter, error) {
	const op = "build seccomp filter"
	if o.Arch == "" {
		o.Arch = runtime.GOARCH
	}
	var arch uint32
	switch o.Arch {
	case "amd64":
		arch = unix.AUDIT_ARCH_X86_64
	case "arm64":
		arch = unix.AUDIT_ARCH_AARCH64
	default:
		return nil, &Error{
			Op: op, Kind: KindMissing, Err: fmt.Errorf("no table for %s", o.Arch),
			Hint: "cages run on x86-64 and arm64",
		}
	}
	out := sequence(
		[]unix.SockFilter{load(offsetArch), jump(unix.BPF_JEQ, arch, 1, 0)},
		answer(unix.SECCOMP_RET_KILL_PROCESS),
		[]unix.SockFilter{load(offsetNumber), jump(unix.BPF_JGT, newestCall, 0, 1)},
		errno(unix.ENOSYS), // the x32 range is among these
	)
	for _, r := range table() {
		number := r.number(o.Arch)
		if number == none {
			continue
		}
		body := r.rule(o)
		if len(body) > 255 {
			return nil, &Error{Op: op, Err: fmt.Errorf("the rule for %s is too long for a jump", r.name)}
		}
		out = append(out, jump(unix.BPF_JEQ, uint32(number), 0, len(body)))
		out = append(out, body...)
	}
	out = append(out, allow()...)
	if len(out) > maxInstructions {
		return nil, &Error{Op: op, Err: errors.New("the filter is longer than the kernel takes")}
	}
	return out, nil
}

// Install puts the filter on the calling thread, and so on all that the thread
// starts or executes; it cannot be taken off. The caller has locked its
// goroutine to the thread and set no_new_privs. With listener, the descriptor
// for a Listener is returned (closed on exec); without, -1.
//
// From then on a call that the filter hands over waits until somebody receives
// from the descriptor, and fails with ENOSYS once every copy of it is closed.
func Install(filter []unix.SockFilter, listener bool) (int, error) {
	const op = "install seccomp filter"
	if len(filter) == 0 || len(filter) > maxInstructions {
		return -1, &Error{Op: op, Err: fmt.Errorf("%d instructions", len(filter))}
	}
	if set, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err != nil || set != 1 {
		return -1, &Error{Op: op, Err: errors.New("no_new_privs is not set"), Hint: "set no_new_privs on the same thread first"}
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	var flags []uintptr
	if listener {
		// WAIT_KILLABLE_RECV came with Linux 5.19.
		flags = []uintptr{unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER}
	} else {
		flags = []uintptr{0}
	}
	var errno unix.Errno
	for _, f := range flags {
		var fd uintptr
		//nolint:gosec // the kernel copies the program during the call
		fd, _, errno = unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, f, uintptr(unsafe.Pointer(&program)))
		if errno == 0 {
			if !listener {
				return -1, nil
			}
			return int(fd), nil
		}
		if errno != unix.EINVAL {
			break
		}
	}
	runtime.KeepAlive(filter)
	switch {
	case errors.Is(errno, unix.EBUSY):
		return -1, &Error{
			Op: op, Kind: KindMissing, Err: errno,
			Hint: "another seccomp listener already watches this process (a container runtime or WSL); run outside of it",
		}
	case errors.Is(errno, unix.ENOSYS), errors.Is(errno, unix.EINVAL):
		return -1, &Error{Op: op, Kind: KindMissing, Err: errno, Hint: "seccomp filters with notification need Linux 5.5 or newer, built with CONFIG_SECCOMP_FILTER"}
	}
	return -1, &Error{Op: op, Err: errno}
}
