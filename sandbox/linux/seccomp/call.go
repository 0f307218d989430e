//go:build linux

package seccomp

import (
	"net/netip"
	"runtime"
	"slices"

	"openclaw/sandbox/policy"

	"golang.org/x/sys/unix"
)

// Call is one system call that waits for an answer. Its text is the program's
// own and was true when it was read; see the package comment.
type Call struct {
	PID       int    // of the process, as the Listener's own process sees it; 0: see ProcessOnDemand
	TID       int    // of the thread that called
	Syscall   int    // number on this architecture
	Name      string // "openat"
	Operation string // "open", "create", "truncate", "mkdir", "rename", "execve", "connect"…
	Class     policy.Class

	// Path is absolute and clean by its text: links on the way are not followed
	// and ".." only takes off a name. Of an operation with two paths, Path is
	// the first. Paths below a folder descriptor start at that folder. Empty
	// for connect.
	Path  string
	Path2 string // of rename and link: the new name

	// Written, Written2 and WrittenSocket are Path, Path2 and UnixPath before
	// ".." was taken off: what the kernel follows when there are links.
	Written       string
	Written2      string
	WrittenSocket string

	// Descriptor says that the call names an open file rather than a path.
	Descriptor bool

	Flags    uint64         // open flags, or those of the *at calls
	Address  netip.AddrPort // of connect to an internet address
	UnixPath string         // of connect to a UNIX socket; "@name" is an abstract one

	// Arguments are the call's own, as the kernel has them.
	Arguments [6]uint64

	// Install puts an open file among the program's descriptors, while the call
	// waits, and returns its number there; an error is an errno for the program.
	// The descriptor stays the caller's own to close. Safe for concurrent use.
	Install func(descriptor int, closeOnExec bool) (int, error)

	// Valid reports whether the call still waits: the program may have been
	// killed. Safe for concurrent use.
	Valid func() bool
}

// Process is the PID, found out now if it was left open. It is wrong where false comes
// with it: the call waits no longer, and the thread's number may be another's by now.
func (c *Call) Process() (pid int, waits bool) {
	if c.PID == 0 {
		c.PID = processOf(c.TID)
	}
	return c.PID, c.Valid()
}

// Verdict answers a Call.
type Verdict struct {
	Errno unix.Errno // 0: the call goes on, under the walls of the cage

	// Done says that the handler did what the call asks, in the program's place:
	// the call is not made, and the program gets Value, or Errno.
	Done  bool
	Value int64

	// Give, with Done, hands an open file to the program: what the call gives
	// back is the program's own descriptor of it. The handler's copy is closed.
	Give *Given
}

// Given is an open file for the program.
type Given struct {
	Descriptor  int
	CloseOnExec bool
}

// shape says where a call has its arguments. -1 is "has none".
type shape struct {
	operation string
	class     policy.Class
	folder    int // folder descriptor of path
	path      int
	folder2   int
	path2     int
	flags     int
	file      int // a descriptor instead of a path
}

// shapes tells how to read each call that the table hands over, by name.
func shapes() map[string]shape {
	const w = policy.ClassPathWrite
	plain := func(operation string, path int) shape { return shape{operation, w, -1, path, -1, -1, -1, -1} }
	at := func(operation string, folder, path, flags int) shape {
		return shape{operation, w, folder, path, -1, -1, flags, -1}
	}
	file := func(operation string) shape { return shape{operation, w, -1, -1, -1, -1, -1, 0} }
	return map[string]shape{
		"open":          {"open", w, -1, 0, -1, -1, 1, -1},
		"openat":        at("open", 0, 1, 2),
		"creat":         plain("create", 0),
		"mkdir":         plain("mkdir", 0),
		"mkdirat":       at("mkdir", 0, 1, -1),
		"mknod":         plain("mknod", 0),
		"mknodat":       at("mknod", 0, 1, -1),
		"unlink":        plain("unlink", 0),
		"unlinkat":      at("unlink", 0, 1, 2),
		"rmdir":         plain("rmdir", 0),
		"rename":        {"rename", w, -1, 0, -1, 1, -1, -1},
		"renameat":      {"rename", w, 0, 1, 2, 3, -1, -1},
		"renameat2":     {"rename", w, 0, 1, 2, 3, 4, -1},
		"link":          {"link", w, -1, 0, -1, 1, -1, -1},
		"linkat":        {"link", w, 0, 1, 2, 3, 4, -1},
		"symlink":       plain("symlink", 1),
		"symlinkat":     at("symlink", 1, 2, -1),
		"truncate":      plain("truncate", 0),
		"chmod":         plain("chmod", 0),
		"fchmod":        file("chmod"),
		"fchmodat":      at("chmod", 0, 1, -1),
		"fchmodat2":     at("chmod", 0, 1, 3),
		"chown":         plain("chown", 0),
		"lchown":        plain("chown", 0),
		"fchown":        file("chown"),
		"fchownat":      at("chown", 0, 1, 4),
		"utime":         plain("utime", 0),
		"utimes":        plain("utime", 0),
		"futimesat":     at("utime", 0, 1, -1),
		"utimensat":     at("utime", 0, 1, 3),
		"setxattr":      plain("setxattr", 0),
		"lsetxattr":     plain("setxattr", 0),
		"fsetxattr":     file("setxattr"),
		"setxattrat":    at("setxattr", 0, 1, 2),
		"removexattr":   plain("removexattr", 0),
		"lremovexattr":  plain("removexattr", 0),
		"fremovexattr":  file("removexattr"),
		"removexattrat": at("removexattr", 0, 1, 2),
		"file_setattr":  at("setattr", 0, 1, 4),
		"execve":        {"execve", policy.ClassExec, -1, 0, -1, -1, -1, -1},
		"execveat":      {"execve", policy.ClassExec, 0, 1, -1, -1, 4, -1},
		"connect":       {"connect", policy.ClassNet, -1, -1, -1, -1, -1, -1},
	}
}

// known is a call by its number on the running architecture.
type known struct {
	name string
	shape
	handlerOnly bool // decode does not know it
}

func knownCalls() map[int]known {
	byName, reduced := shapes(), reducedShapes()
	out := make(map[int]known, len(byName))
	for _, r := range table() {
		if s, ok := byName[r.name]; ok && r.number(runtime.GOARCH) != none {
			out[r.number(runtime.GOARCH)] = known{name: r.name, shape: s}
		}
		if slices.Contains(NamespaceCalls(), r.name) {
			out[r.number(runtime.GOARCH)] = known{name: r.name, shape: namespaceShape(), handlerOnly: true}
		}
		if r.name == PairCall {
			out[r.number(runtime.GOARCH)] = known{name: r.name, shape: pairShape(), handlerOnly: true}
		}
		if r.name == AllocateCall {
			out[r.number(runtime.GOARCH)] = known{name: r.name, shape: allocateShape(), handlerOnly: true}
		}
		if r.name == TruncateCall {
			out[r.number(runtime.GOARCH)] = known{name: r.name, shape: truncateShape(), handlerOnly: true}
		}
		if s, ok := reduced[r.name]; ok && r.number(runtime.GOARCH) != none {
			out[r.number(runtime.GOARCH)] = known{name: r.name, shape: s, handlerOnly: true}
		}
	}
	return out
}
