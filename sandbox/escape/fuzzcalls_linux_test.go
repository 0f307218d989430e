package escape_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The fuzzer's inside: processes that make random calls with arguments that make
// sense often enough. It runs in a cage only.
const (
	fuzzName   = "fuzz"        // an attempt's name; its hint is seed and host's addresses
	fuzzWorker = "fuzz worker" // the same with a seed of its own
)

// fuzz keeps workers running until it is killed.
func fuzz(at place) int {
	seed, _ := strconv.ParseUint(strings.Fields(at.hint)[0], 10, 64)
	self, err := os.Readlink("/proc/self/exe")
	if err != nil || !inside() {
		return 1
	}
	lines := make(chan struct{}, 3)
	for next := seed; ; next++ {
		lines <- struct{}{}
		go func() {
			defer func() { <-lines }()
			command := exec.Command(self)
			command.Env = append(os.Environ(), attemptVariable+"="+fuzzWorker, hintVariable+"="+strconv.FormatUint(next, 10)+" "+strings.Join(strings.Fields(at.hint)[1:], " "))
			command.SysProcAttr = &syscall.SysProcAttr{Setpgid: next%3 != 0}
			if command.Start() != nil {
				time.Sleep(10 * time.Millisecond)
				return
			}
			time.AfterFunc(800*time.Millisecond, func() { _ = command.Process.Kill() })
			_ = command.Wait()
		}()
	}
}

// worker makes calls on several threads until its starter ends it.
func worker(at place) int {
	if !inside() {
		return 1
	}
	seed, _ := strconv.ParseUint(strings.Fields(at.hint)[0], 10, 64)
	done := make(chan struct{})
	for thread := range uint64(4) {
		go func() {
			runtime.LockOSThread()
			m := newMonkey(at, rand.New(rand.NewPCG(seed, thread)))
			for range 20000 {
				m.call()
			}
			done <- struct{}{}
		}()
	}
	for range 4 {
		<-done
	}
	return 0
}

// monkey makes the calls of one thread.
type monkey struct {
	*rand.Rand
	paths   []uintptr
	counted *atomic.Int64 // in a file that the test reads
	memory  []byte
	numbers []uintptr
	keep    [][]byte // what the pointers point to
	at      place
}

func newMonkey(at place, random *rand.Rand) *monkey {
	m := &monkey{Rand: random, at: at}
	m.memory, _ = unix.Mmap(-1, 0, 1<<16, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	m.counted = counter(at.path(callsFile))
	own := []string{"project", "project/main.go", "project/new", "project/x/y", "project/secret", "project/secret/key", "project/.env", "project/deep/er/hidden/file", "project/deep", "project/link"}
	others := []string{"", "other", "other/notes.txt", "other/new", "other/s", ".ssh", ".ssh/id_ed25519", "shared", "shared/lib.txt", "shared/new", "shared/attempt", ".bashrc", ".openclaw/config.yaml"}
	for _, name := range append(own, others...) {
		m.add(at.path(name))
	}
	for _, name := range []string{
		"", ".", "..", "/", "main.go", "new", "../other/notes.txt", "../shared/lib.txt", "/proc/self/fd/0", "/proc/self/fd/3", "/proc/self/exe", "/proc/self/mem", "/proc/self/root",
		"/proc/self/cwd/../other/notes.txt", "/proc/1/root", "/proc/1/mem", "/proc/1/fd", "/proc/1/exe", "/proc/self/ns/mnt", "/proc/sys/kernel/core_pattern",
		"/proc/sys/kernel/hostname", "/proc/sysrq-trigger", "/proc/self/uid_map", "/proc/self/oom_score_adj", "/proc/self/attr/current", "/dev/null", "/dev/tty", "/dev/ptmx",
		"/dev/pts", "/tmp", "/tmp/a", "/tmp/b", "/dev/shm/a", "/etc/passwd", "/etc/shadow", "/usr/bin/true", "/bin/sh", "/run", "/sys", "/home", "tmpfs", "proc", "user.x",
		"security.capability", "system.posix_acl_access", strings.Repeat("a", 300), strings.Repeat("../", 40) + "etc/passwd",
	} {
		m.add(name)
	}
	m.numbers = append(m.numbers, callNumbers()...)
	return m
}

// callsFile holds the number of calls.
const callsFile = "project/calls"

// counter maps a number that processes share; one of its own where that fails.
func counter(name string) *atomic.Int64 {
	fd, err := open(name, unix.O_RDWR)
	if err != nil {
		return new(atomic.Int64)
	}
	defer func() { _ = unix.Close(fd) }()
	data, err := unix.Mmap(fd, 0, 8, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return new(atomic.Int64)
	}
	return (*atomic.Int64)(unsafe.Pointer(&data[0]))
}

func (m *monkey) add(name string) {
	text := append([]byte(name), 0)
	m.keep = append(m.keep, text)
	m.paths = append(m.paths, uintptr(unsafe.Pointer(&text[0])))
}

func (m *monkey) one(list ...uintptr) uintptr { return list[m.IntN(len(list))] }

func (m *monkey) path() uintptr { return m.paths[m.IntN(len(m.paths))] }

func (m *monkey) buffer() uintptr {
	at := m.IntN(len(m.memory) - 8192)
	for i := range 64 {
		m.memory[at+i] = byte(m.Uint32())
	}
	return uintptr(unsafe.Pointer(&m.memory[at]))
}

func (m *monkey) fd() uintptr {
	switch m.IntN(8) {
	case 0:
		return ^uintptr(0)
	case 1:
		return atCWD()
	}
	return uintptr(m.IntN(24))
}

func (m *monkey) flags() uintptr {
	switch m.IntN(4) {
	case 0:
		return 0
	case 1:
		return 1 << m.IntN(32)
	case 2:
		return 1<<m.IntN(32) | uintptr(m.Uint32()&m.Uint32()&m.Uint32())
	}
	return uintptr(m.IntN(64))
}

// address is a socket address of the host's or of nobody.
func (m *monkey) address() (at uintptr, size uintptr) {
	raw := m.memory[len(m.memory)-128:]
	for i := range raw {
		raw[i] = byte(m.Uint32())
	}
	at = uintptr(unsafe.Pointer(&raw[0]))
	targets := strings.Fields(m.at.hint)[1:]
	switch m.IntN(4) {
	case 0:
		port, _ := strconv.Atoi(targets[m.IntN(len(targets))])
		copy(raw, []byte{unix.AF_INET, 0, byte(port >> 8), byte(port), 127, 0, 0, 1})
		return at, 16
	case 1:
		clear(raw)
		raw[0] = unix.AF_UNIX
		copy(raw[2:108], m.at.path("other/s"))
		return at, 110
	case 2:
		clear(raw)
		raw[0] = unix.AF_UNIX
		name := copy(raw[3:108], "openclaw-fuzz-"+m.at.home)
		return at, uintptr(3 + name)
	}
	return at, uintptr(m.IntN(128))
}

// argument makes one by a letter of a call's shape.
func (m *monkey) argument(kind byte) uintptr {
	switch kind {
	case 'd', 'D':
		return m.fd()
	case 'p':
		return m.path()
	case 'f':
		return m.flags()
	case 'm':
		return uintptr(m.IntN(0o10000))
	case 'b':
		return m.buffer()
	case 's':
		return uintptr(m.IntN(8192))
	case 'P':
		if m.IntN(1000) == 0 {
			return ^uintptr(0) // everyone: the cage's processes end
		}
		return m.one(0, 1, 2, 3, 4, 5, uintptr(m.IntN(1<<15)), uintptr(os.Getpid()))
	case 'S':
		return m.one(0, uintptr(unix.SIGCONT), uintptr(unix.SIGSTOP), uintptr(unix.SIGTERM), uintptr(unix.SIGKILL), uintptr(m.IntN(64)))
	case 'c':
		return m.one(uintptr(m.Uint32()), unix.TIOCSTI, unix.TIOCSCTTY, unix.TIOCSPGRP, ioctlSetFlags, 0x5401, 0xff03, unix.FICLONE, 0x541b, 0x5421)
	case 'F':
		return m.one(unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK, uintptr(m.IntN(50)))
	case 't':
		return m.one(unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_RAW, unix.SOCK_SEQPACKET) | m.one(0, unix.SOCK_NONBLOCK)
	case 'o':
		return m.one(0, 1, 2, 6, 17, 58, 132, 262, uintptr(m.IntN(300)))
	case 'n':
		return uintptr(m.IntN(64))
	}
	switch m.IntN(6) {
	case 0:
		return m.path()
	case 1:
		return m.buffer()
	case 2:
		return m.fd()
	case 3:
		return uintptr(m.Uint64())
	case 4:
		return m.flags()
	}
	return uintptr(m.IntN(256))
}

// call makes one call.
func (m *monkey) call() {
	var arguments [6]uintptr
	number := m.numbers[m.IntN(len(m.numbers))]
	if m.IntN(4) > 0 {
		shaped := shapedCalls()
		picked := shaped[m.IntN(len(shaped))]
		number = picked.number
		for i := range picked.shape {
			arguments[i] = m.argument(picked.shape[i])
		}
		if picked.number == unix.SYS_CONNECT || picked.number == unix.SYS_BIND {
			arguments[1], arguments[2] = m.address()
		}
		if picked.number == unix.SYS_SENDTO {
			arguments[4], arguments[5] = m.address()
		}
	} else {
		for i := range arguments {
			arguments[i] = m.argument('?')
		}
	}
	m.counted.Add(1)
	_, _, _ = unix.Syscall6(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5])
}

type shapedCall struct {
	number uintptr
	shape  string
}

// shapedCalls are those that reach out most, and what they take.
func shapedCalls() []shapedCall {
	return []shapedCall{
		{unix.SYS_OPENAT, "dpfm"}, {unix.SYS_OPENAT, "dpfm"}, {unix.SYS_OPENAT, "dpfm"}, {unix.SYS_MKDIRAT, "dpm"}, {unix.SYS_MKNODAT, "dpmn"}, {unix.SYS_UNLINKAT, "dpf"},
		{unix.SYS_RENAMEAT2, "dpdpn"}, {unix.SYS_RENAMEAT2, "dpdp"}, {unix.SYS_LINKAT, "dpdpf"}, {unix.SYS_SYMLINKAT, "pdp"}, {unix.SYS_TRUNCATE, "ps"}, {unix.SYS_FTRUNCATE, "Ds"},
		{unix.SYS_FCHMODAT, "dpm"}, {unix.SYS_FCHMOD, "Dm"}, {unix.SYS_FCHMODAT2, "dpmf"}, {unix.SYS_FCHOWNAT, "dpnnf"}, {unix.SYS_FCHOWN, "Dnn"}, {unix.SYS_UTIMENSAT, "dpbf"},
		{unix.SYS_SETXATTR, "ppbsn"}, {unix.SYS_FSETXATTR, "Dpbsn"}, {unix.SYS_REMOVEXATTR, "pp"}, {unix.SYS_GETXATTR, "ppbs"}, {unix.SYS_READLINKAT, "dpbs"}, {unix.SYS_STATX, "dpffb"},
		{unix.SYS_FACCESSAT2, "dpnf"}, {unix.SYS_CHDIR, "p"}, {unix.SYS_FCHDIR, "D"}, {unix.SYS_GETDENTS64, "Dbs"}, {unix.SYS_WRITE, "Dbs"}, {unix.SYS_PWRITE64, "Dbss"},
		{unix.SYS_FALLOCATE, "Dnss"}, {unix.SYS_COPY_FILE_RANGE, "DbDbsn"}, {unix.SYS_SENDFILE, "DDbs"}, {unix.SYS_SPLICE, "DbDbsf"}, {unix.SYS_DUP3, "DDf"}, {unix.SYS_FCNTL, "Dnn"},
		{unix.SYS_IOCTL, "Dcb"}, {unix.SYS_IOCTL, "Dcb"}, {unix.SYS_NAME_TO_HANDLE_AT, "dpbbf"}, {unix.SYS_OPEN_BY_HANDLE_AT, "Dbf"}, {unix.SYS_INOTIFY_ADD_WATCH, "Dpf"},
		{unix.SYS_MOUNT, "pppfb"}, {unix.SYS_UMOUNT2, "pn"}, {unix.SYS_PIVOT_ROOT, "pp"}, {unix.SYS_CHROOT, "p"}, {unix.SYS_OPEN_TREE, "dpf"}, {unix.SYS_MOVE_MOUNT, "dpdpf"},
		{unix.SYS_FSOPEN, "pf"}, {unix.SYS_FSPICK, "dpf"}, {unix.SYS_MOUNT_SETATTR, "dpfbs"}, {unix.SYS_UNSHARE, "f"}, {unix.SYS_SETNS, "Df"}, {unix.SYS_STATMOUNT, "bbsf"},
		{unix.SYS_SOCKET, "Fto"}, {unix.SYS_SOCKET, "Fto"}, {unix.SYS_SOCKETPAIR, "Ftob"}, {unix.SYS_CONNECT, "Dbs"}, {unix.SYS_CONNECT, "Dbs"}, {unix.SYS_BIND, "Dbs"}, {unix.SYS_LISTEN, "Dn"},
		{unix.SYS_SENDTO, "Dbsfbs"}, {unix.SYS_SENDMSG, "Dbf"}, {unix.SYS_SETSOCKOPT, "Dnnbs"},
		{unix.SYS_KILL, "PS"}, {unix.SYS_TGKILL, "PPS"}, {unix.SYS_PIDFD_OPEN, "Pf"}, {unix.SYS_PIDFD_SEND_SIGNAL, "DSbf"}, {unix.SYS_PIDFD_GETFD, "Dnf"}, {unix.SYS_PROCESS_VM_WRITEV, "PbnbnN"},
		{unix.SYS_SETPRIORITY, "nPn"}, {unix.SYS_IOPRIO_SET, "nPf"}, {unix.SYS_SCHED_SETAFFINITY, "Psb"}, {unix.SYS_PRLIMIT64, "Pnbb"}, {unix.SYS_SETPGID, "PP"}, {unix.SYS_SETSID, ""},
		{unix.SYS_PRCTL, "nfff"}, {unix.SYS_CAPSET, "bb"}, {unix.SYS_SETUID, "n"}, {unix.SYS_SETGROUPS, "nb"}, {unix.SYS_PERSONALITY, "f"}, {unix.SYS_UMASK, "m"},
		{unix.SYS_SHMGET, "nsf"}, {unix.SYS_SHMAT, "nbf"}, {unix.SYS_SHMCTL, "nnb"}, {unix.SYS_MSGGET, "nf"}, {unix.SYS_SEMGET, "nnf"}, {unix.SYS_MQ_OPEN, "pfmb"}, {unix.SYS_MQ_UNLINK, "p"},
		{unix.SYS_ADD_KEY, "ppbsn"}, {unix.SYS_KEYCTL, "nnnnn"}, {unix.SYS_REQUEST_KEY, "pppn"}, {unix.SYS_BPF, "nbs"}, {unix.SYS_PERF_EVENT_OPEN, "bPnDf"}, {unix.SYS_IO_URING_SETUP, "nb"},
		{unix.SYS_USERFAULTFD, "f"}, {unix.SYS_FANOTIFY_INIT, "ff"}, {unix.SYS_QUOTACTL, "fpnb"}, {unix.SYS_ACCT, "p"}, {unix.SYS_SWAPON, "pf"}, {unix.SYS_SETHOSTNAME, "bs"}, {unix.SYS_CLOCK_SETTIME, "nb"},
		{unix.SYS_MEMFD_CREATE, "pf"}, {unix.SYS_EXECVEAT, "dpbbf"}, {unix.SYS_LANDLOCK_CREATE_RULESET, "bsf"}, {unix.SYS_LANDLOCK_ADD_RULE, "Dnbf"},
	}
}

// callNumbers are all that there are, and some that are not, but those that would
// only end or stop the caller.
func callNumbers() []uintptr {
	left := map[uintptr]bool{}
	for _, number := range []uintptr{
		unix.SYS_EXIT, unix.SYS_EXIT_GROUP, unix.SYS_RT_SIGRETURN, unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_SIGALTSTACK, unix.SYS_MUNMAP, unix.SYS_MREMAP, unix.SYS_BRK,
		unix.SYS_MPROTECT, unix.SYS_CLONE, unix.SYS_CLONE3, unix.SYS_RT_SIGSUSPEND, unix.SYS_RT_SIGTIMEDWAIT, unix.SYS_WAITID, unix.SYS_WAIT4, unix.SYS_SECCOMP, unix.SYS_RSEQ,
		unix.SYS_SET_ROBUST_LIST, unix.SYS_FUTEX, unix.SYS_SET_TID_ADDRESS, unix.SYS_PPOLL, unix.SYS_PSELECT6, unix.SYS_NANOSLEEP, unix.SYS_CLOCK_NANOSLEEP, unix.SYS_MLOCKALL,
		unix.SYS_READ, unix.SYS_READV, unix.SYS_ACCEPT, unix.SYS_ACCEPT4, unix.SYS_RECVFROM, unix.SYS_RECVMSG, unix.SYS_RECVMMSG, unix.SYS_MSGRCV, unix.SYS_SEMOP, unix.SYS_SEMTIMEDOP,
		unix.SYS_MQ_TIMEDRECEIVE, unix.SYS_MQ_TIMEDSEND, unix.SYS_FUTEX_WAIT, unix.SYS_FUTEX_WAITV, unix.SYS_EPOLL_PWAIT, unix.SYS_EPOLL_PWAIT2, unix.SYS_IO_GETEVENTS,
		unix.SYS_IO_PGETEVENTS, unix.SYS_SYNC, unix.SYS_SYNCFS, unix.SYS_FSYNC, unix.SYS_FDATASYNC, unix.SYS_MSYNC, unix.SYS_SYNC_FILE_RANGE, unix.SYS_PTRACE,
		unix.SYS_SETRLIMIT, unix.SYS_MMAP, unix.SYS_MADVISE, unix.SYS_REMAP_FILE_PAGES, unix.SYS_MSEAL, unix.SYS_VHANGUP,
	} {
		left[number] = true
	}
	for _, number := range leftOut() { // of this processor
		left[number] = true
	}
	var out []uintptr
	for number := range uintptr(480) {
		if !left[number] {
			out = append(out, number)
		}
	}
	return append(out, 0x40000000|unix.SYS_GETPID, 0xffffffff, 1<<32|unix.SYS_GETPID)
}
