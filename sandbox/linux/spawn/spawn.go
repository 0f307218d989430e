//go:build linux && (amd64 || arm64)

package spawn

import (
	"runtime"
	"unsafe"
)

// Options is what to start. Its texts must hold no NUL byte.
type Options struct {
	Program      string   // a path
	Arguments    []string // with the program's name
	Environment  []string
	Files        []int  // the descriptors that the program gets, as 0, 1, and so on; at most MaxFiles
	Dir          string // empty: this process's own
	Namespaces   uint64 // CLONE_NEW* of clone(2), with CLONE_NEWUSER among them; 0: this process's own
	UID, GID     int    // this process's effective ones, which the user namespace maps to themselves
	Capabilities []int  // that the program has in the user namespace (PR_CAP_AMBIENT); below 64
	Leads        Leads
	TerminalFD   int    // the terminal of what it leads: the session's own, or whose foreground the group is; -1: none
	PIDFD        *int32 // is given a descriptor of the process; nil: none is made
	DeathSignal  int    // at the end of the thread that calls Start (PR_SET_PDEATHSIG); 0: none
	CgroupFD     int    // the folder of the control group to start in (Linux 5.7); -1: this process's own
}

// Leads is what the program leads.
type Leads int

// What a program can lead. A group is one of this process's session.
const (
	Nothing Leads = iota
	Group
	Session
)

// MaxFiles bounds Options.Files.
const MaxFiles = 16

// Step is a step that failed.
type Step int

// The steps, in their order.
const (
	Clone Step = 1 + iota
	Lead
	MapUsers
	Raise
	Tie
	Descriptors
	Enter
	Execute
)

func (s Step) String() string {
	switch s {
	case Clone:
		return "make namespaces"
	case MapUsers:
		return "map users"
	case Lead:
		return "lead a process group or session"
	case Raise:
		return "raise capabilities"
	case Tie:
		return "tie to parent"
	case Descriptors:
		return "hand over descriptors"
	case Enter:
		return "enter folder"
	case Execute:
		return "execute"
	}
	return "start"
}

// Failure is a step with its error number. Its process is to be waited for if
// Start returned one.
type Failure struct {
	Step  Step
	Errno uintptr
}

// Start starts the program and returns its process, which the caller waits for,
// once it executes or a step has failed. The caller holds syscall.ForkLock and
// has its goroutine locked to its thread. Until it returns, that thread does not
// run Go, and a stop of all of Go waits for it: a millisecond.
func Start(o *Options) (pid int, failed *Failure) {
	c := prepare(o)
	beforeFork()
	process, errno := c.start()
	afterFork()
	runtime.KeepAlive(o)
	switch {
	case errno != 0:
		return 0, &Failure{Clone, errno}
	case c.failed != 0:
		return int(process), &Failure{c.step, c.failed}
	}
	return int(process), nil
}

// From the kernel's include/uapi: linux/sched.h, linux/capability.h,
// linux/prctl.h and asm-generic/fcntl.h.
const (
	cloneVM, cloneVfork = 0x100, 0x4000
	clonePIDFD          = 0x1000
	cloneIntoCgroup     = 0x200000000
	childSignal         = 17 // SIGCHLD
	callClone3          = 435

	capabilityVersion                            = 0x20080522
	prctlDeathSignal, prctlAmbient, ambientRaise = 1, 47, 2

	atWorkingFolder        = ^uintptr(99) // AT_FDCWD
	writeOnly, closeOnExec = 1, 0o2000000
	duplicateFrom          = 1030 // F_DUPFD_CLOEXEC
	exitStatus             = 253

	// asm-generic/ioctls.h
	setSessionTerminal, setForeground = 0x540E, 0x5410 // TIOCSCTTY, TIOCSPGRP
)

// cloneArguments is struct clone_args of clone3(2).
type cloneArguments struct {
	flags, pidFD, childTID, parentTID, exitSignal, stack, stackSize, tls, setTID, setTIDSize, cgroup uint64
}

// child is everything that the child needs, made before there is one. It is in
// the memory of both.
type child struct {
	flags     uintptr
	clone3    cloneArguments
	useClone3 bool

	leads    Leads
	terminal int
	own      int32  // its number, in its own namespace
	pidFD    *int32 // nil: none

	users                     bool      // they are mapped, and capabilities raised
	setgroups, gidMap, uidMap [2][]byte // a file and what to write

	capabilities []int
	header       struct {
		version uint32
		pid     int32
	}
	sets [2]struct{ effective, permitted, inheritable uint32 }

	deathSignal int
	files       [MaxFiles]uintptr
	count       int
	dir         []byte // nil: as it is
	program     []byte
	arguments   []*byte
	environment []*byte
	limit       *limit // nil: as it is

	step   Step
	failed uintptr // errno
}

func prepare(o *Options) *child {
	c := &child{
		flags:     uintptr(o.Namespaces) | cloneVM | cloneVfork,
		setgroups: [2][]byte{text("/proc/self/setgroups"), []byte("deny")},
		gidMap:    [2][]byte{text("/proc/self/gid_map"), itself(o.GID)},
		uidMap:    [2][]byte{text("/proc/self/uid_map"), itself(o.UID)},

		leads: o.Leads, terminal: o.TerminalFD, pidFD: o.PIDFD, users: o.Namespaces != 0,
		capabilities: o.Capabilities, deathSignal: o.DeathSignal, count: min(len(o.Files), MaxFiles),
		program: text(o.Program), arguments: texts(o.Arguments), environment: texts(o.Environment),
	}
	if o.Dir != "" {
		c.dir = text(o.Dir)
	}
	if o.PIDFD != nil {
		c.flags |= clonePIDFD
	}
	if o.CgroupFD >= 0 {
		c.useClone3 = true
		c.clone3 = cloneArguments{flags: uint64(c.flags) | cloneIntoCgroup, exitSignal: childSignal, cgroup: uint64(o.CgroupFD)}
	}
	for i := range c.count {
		c.files[i] = uintptr(o.Files[i])
	}
	c.header.version = capabilityVersion
	if original.raised(limitNow()) {
		c.limit = &original
	}
	return c
}

// start makes the child, which never returns from here; its parent comes back
// once the child has given the memory back. Nothing but the results is theirs
// alone, so it does nothing else.
//
//go:noinline
//go:nosplit
//go:norace
//go:nocheckptr
func (c *child) start() (pid, errno uintptr) {
	if c.useClone3 {
		c.clone3.pidFD = uint64(uintptr(unsafe.Pointer(c.pidFD))) //nolint:gosec // the kernel writes during the call
		//nolint:gosec // the kernel reads during the call
		pid, errno = call(callClone3, uintptr(unsafe.Pointer(&c.clone3)), unsafe.Sizeof(c.clone3), 0, 0, 0, 0)
	} else {
		//nolint:gosec // the kernel writes during the call
		pid, errno = call(callClone, c.flags|childSignal, 0, uintptr(unsafe.Pointer(c.pidFD)), 0, 0, 0)
	}
	if errno != 0 || pid != 0 {
		return pid, errno
	}
	c.run()
	return 0, 0
}

// run is the child. It makes no call but of the kernel, grows no stack and
// allocates nothing: the locks of this memory belong to its parent's threads.
//
//go:noinline
//go:nosplit
//go:norace
//go:nocheckptr
func (c *child) run() {
	var got uintptr

	// While every signal is blocked still: who takes a terminal's foreground from
	// behind is stopped otherwise.
	c.step = Lead
	if c.leads == Session {
		if _, c.failed = call(callSetsid, 0, 0, 0, 0, 0, 0); c.failed != 0 {
			goto failed
		}
		if c.terminal >= 0 {
			if _, c.failed = call(callIoctl, uintptr(c.terminal), setSessionTerminal, 0, 0, 0, 0); c.failed != 0 {
				goto failed
			}
		}
	}
	if c.leads == Group {
		if _, c.failed = call(callSetpgid, 0, 0, 0, 0, 0, 0); c.failed != 0 {
			goto failed
		}
		if c.terminal >= 0 {
			if got, c.failed = call(callGetpid, 0, 0, 0, 0, 0, 0); c.failed != 0 {
				goto failed
			}
			c.own = int32(got)
			//nolint:gosec // the kernel reads during the call
			if _, c.failed = call(callIoctl, uintptr(c.terminal), setForeground, uintptr(unsafe.Pointer(&c.own)), 0, 0, 0); c.failed != 0 {
				goto failed
			}
		}
	}
	afterForkInChild()

	if !c.users {
		goto tie
	}
	// Not to be able to change one's groups comes before the map of groups.
	c.step = MapUsers
	if c.failed = put(&c.setgroups); c.failed != 0 {
		goto failed
	}
	if c.failed = put(&c.gidMap); c.failed != 0 {
		goto failed
	}
	if c.failed = put(&c.uidMap); c.failed != 0 {
		goto failed
	}

	c.step = Raise
	//nolint:gosec // the kernel writes during the call
	if _, c.failed = call(callCapget, uintptr(unsafe.Pointer(&c.header)), uintptr(unsafe.Pointer(&c.sets)), 0, 0, 0, 0); c.failed != 0 {
		goto failed
	}
	for _, number := range c.capabilities {
		c.sets[number>>5&1].inheritable |= 1 << (number & 31)
	}
	//nolint:gosec // the kernel reads during the call
	if _, c.failed = call(callCapset, uintptr(unsafe.Pointer(&c.header)), uintptr(unsafe.Pointer(&c.sets)), 0, 0, 0, 0); c.failed != 0 {
		goto failed
	}
	for _, number := range c.capabilities {
		if _, c.failed = call(callPrctl, prctlAmbient, ambientRaise, uintptr(number), 0, 0, 0); c.failed != 0 {
			goto failed
		}
	}

tie:
	// A parent that has ended already sends none: see what the program was given
	// of its parent's, such as a socket.
	c.step = Tie
	if c.deathSignal != 0 {
		if _, c.failed = call(callPrctl, prctlDeathSignal, uintptr(c.deathSignal), 0, 0, 0, 0); c.failed != 0 {
			goto failed
		}
	}

	// All out of the way of the numbers that they are to have, then onto them.
	c.step = Descriptors
	for i := 0; i < c.count; i++ {
		if got, c.failed = call(callFcntl, c.files[i], duplicateFrom, uintptr(c.count), 0, 0, 0); c.failed != 0 {
			goto failed
		}
		c.files[i] = got
	}
	for i := 0; i < c.count; i++ {
		if _, c.failed = call(callDup3, c.files[i], uintptr(i), 0, 0, 0, 0); c.failed != 0 {
			goto failed
		}
	}
	if c.limit != nil {
		//nolint:gosec // the kernel reads during the call
		if _, c.failed = call(callPrlimit, 0, limitOfDescriptors, uintptr(unsafe.Pointer(c.limit)), 0, 0, 0); c.failed != 0 {
			goto failed
		}
	}

	c.step = Enter
	if c.dir != nil {
		//nolint:gosec // the kernel reads during the call
		if _, c.failed = call(callChdir, uintptr(unsafe.Pointer(&c.dir[0])), 0, 0, 0, 0, 0); c.failed != 0 {
			goto failed
		}
	}

	c.step = Execute
	//nolint:gosec // the kernel reads during the call
	_, c.failed = call(callExecve, uintptr(unsafe.Pointer(&c.program[0])), uintptr(unsafe.Pointer(&c.arguments[0])), uintptr(unsafe.Pointer(&c.environment[0])), 0, 0, 0)
failed:
	for {
		call(callExitGroup, exitStatus, 0, 0, 0, 0, 0)
	}
}

// put writes a file in one write, as the maps must be.
//
//go:nosplit
//go:norace
//go:nocheckptr
func put(file *[2][]byte) uintptr {
	//nolint:gosec // the kernel reads during the call
	fd, errno := call(callOpenat, atWorkingFolder, uintptr(unsafe.Pointer(&file[0][0])), writeOnly|closeOnExec, 0, 0, 0)
	if errno != 0 {
		return errno
	}
	//nolint:gosec // the kernel reads during the call
	_, errno = call(callWrite, fd, uintptr(unsafe.Pointer(&file[1][0])), uintptr(len(file[1])), 0, 0, 0)
	call(callClose, fd, 0, 0, 0, 0, 0)
	return errno
}

// itself is a map of one number to itself.
func itself(id int) []byte {
	var digits []byte
	for n := uint(id); n > 0 || digits == nil; n /= 10 {
		digits = append([]byte{byte('0' + n%10)}, digits...)
	}
	line := append([]byte(nil), digits...)
	line = append(append(line, ' '), digits...)
	return append(line, " 1\n"...)
}

func text(s string) []byte { return append([]byte(s), 0) }

func texts(list []string) []*byte {
	out := make([]*byte, 0, len(list)+1)
	for _, s := range list {
		out = append(out, &text(s)[0])
	}
	return append(out, nil)
}
