//go:build linux

package seccomp

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// letThrough names every call that the filter does not look at, by why it needs
// not. A call that the kernel gains is in no list until someone has thought of
// it, and the tests below fail.
func letThrough() map[string]string {
	return map[string]string{
		"files by descriptor or for reading; mounts and Landlock are the walls": `access cachestat chdir close close_range copy_file_range dup dup2 dup3 faccessat faccessat2 fadvise64 fchdir fdatasync fgetxattr
file_getattr flistxattr flock fstat fstatfs fsync getcwd getdents getdents64 getxattr getxattrat inotify_add_watch inotify_init
inotify_init1 inotify_rm_watch lgetxattr listmount listxattr listxattrat llistxattr lseek lstat name_to_handle_at newfstatat pipe pipe2
pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv sendfile splice stat statfs statmount statx sync
sync_file_range syncfs sysfs tee umask ustat vmsplice write writev`,
		"memory of its own": `brk get_mempolicy madvise map_shadow_stack mbind membarrier memfd_create memfd_secret migrate_pages mincore mlock mlock2 mlockall mmap
move_pages mprotect mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect process_madvise process_mrelease
remap_file_pages set_mempolicy set_mempolicy_home_node`,
		"its own processes and threads; the kernel asks for rights where it is others'": `arch_prctl capget capset exit exit_group fork futex futex_requeue futex_wait futex_waitv futex_wake get_robust_list get_thread_area getcpu
getegid geteuid getgid getgroups getpgid getpgrp getpid getppid getpriority getresgid getresuid getrlimit getrusage getsid gettid getuid
ioprio_get kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lsm_get_self_attr lsm_list_modules lsm_set_self_attr pause
pidfd_open pidfd_send_signal prctl ptrace restart_syscall rseq rseq_slice_yield rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo
rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr
sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield
seccomp set_robust_list set_thread_area set_tid_address setfsgid setfsuid setgid setgroups setpgid setregid setresgid setresuid setreuid
setrlimit setsid setuid sigaltstack tgkill times tkill uprobe uretprobe vfork wait4 waitid`,
		"time": `adjtimex alarm clock_adjtime clock_getres clock_gettime clock_nanosleep getitimer gettimeofday nanosleep setitimer time timer_create
timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime`,
		"waiting": `epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 io_cancel io_destroy
io_getevents io_pgetevents io_setup io_submit poll ppoll pselect6 select signalfd signalfd4`,
		"sockets that are there": `accept accept4 bind getpeername getsockname getsockopt listen recvfrom recvmmsg recvmsg shutdown`,
		"between the cage's own processes: its own IPC namespace": `mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop semtimedop shmat
shmctl shmdt shmget`,
		"asking about the machine":         `getrandom sysinfo uname`,
		"numbers with no code behind them": `afs_syscall create_module get_kernel_syms getpmsg putpmsg query_module security tuxcall vserver`,
	}
}

// byArguments are judged by what they are called with; see the walks below.
const byArguments = `openat open socket socketpair clone unshare sendto sendmsg sendmmsg setsockopt fcntl prlimit64 ioctl personality
setpriority ioprio_set fallocate ftruncate`

// Every call of both architectures has one word said about it, and only one.
func TestEveryCallIsThoughtOf(t *testing.T) {
	said := map[string]int{"clone3": 1, "openat2": 1, "arch_specific_syscall": 1} // the last is where a range begins
	add := func(list string) {
		for name := range strings.FieldsSeq(list) {
			said[name]++
		}
	}
	for _, list := range letThrough() {
		add(list)
	}
	add(refusedOutright)
	add(handedOver)
	add(byArguments)
	known := map[string]bool{}
	for arch := range architectures {
		for name := range kernelNumbers(t, arch) {
			known[name] = true
			if said[name] != 1 {
				t.Errorf("%s: %s is in %d lists", arch, name, said[name])
			}
		}
	}
	for name := range said {
		if !known[name] {
			t.Errorf("no architecture has %s", name)
		}
	}
}

// walk compares a filter of both architectures with what is meant, for one call
// and many arguments.
func walk(t *testing.T, call string, each func(try func(want uint32, arguments ...uint64))) {
	t.Helper()
	walkWith(t, Options{Notify: true}, call, each)
}

func walkWith(t *testing.T, o Options, call string, each func(try func(want uint32, arguments ...uint64))) {
	t.Helper()
	for arch, audit := range architectures {
		number := kernelNumbers(t, arch)[call]
		o.Arch = arch
		filter, told := built(t, o), barsOf(arch, o.Reduced)
		wrong := 0
		each(func(want uint32, arguments ...uint64) {
			d := data{number: uint32(number), arch: audit}
			copy(d.arguments[:], arguments)
			if got := settled(t, told, filter, d); got != want && wrong < 20 {
				wrong++
				t.Errorf("%s %s(%#x): %#x, want %#x", arch, call, arguments, got, want)
			}
		})
	}
}

// Where Landlock keeps no signal inside, none goes to the process group, which the
// supervisor is in; where it does, the filter leaves signals alone.
func TestWalkSignals(t *testing.T) {
	for _, noScopes := range []bool{false, true} {
		o := Options{Notify: true, NoScopes: noScopes}
		walkWith(t, o, "kill", func(try func(uint32, ...uint64)) {
			for _, pid := range []uint64{0, 1, 2, 77, 1 << 32, 1<<64 - 1, 1<<64 - 2, 1<<32 - 1} {
				want := allowed
				if noScopes && uint32(pid) == 0 {
					want = fails(unix.EPERM)
				}
				try(want, pid, 15)
			}
		})
		walkWith(t, o, "pidfd_send_signal", func(try func(uint32, ...uint64)) {
			try(allowed, 3, 9, 0, 0)
			for bit := range 32 {
				want := allowed
				if noScopes {
					want = fails(unix.EINVAL)
				}
				try(want, 3, 9, 0, 1<<bit)
			}
		})
	}
}

// Every family, type and protocol of a socket.
func TestWalkSockets(t *testing.T) {
	walk(t, "socket", func(try func(uint32, ...uint64)) {
		for family := range uint64(64) {
			for kind := range uint64(16) {
				for protocol := range uint64(300) {
					want := fails(unix.EAFNOSUPPORT)
					switch {
					case family == unix.AF_UNIX && (kind == unix.SOCK_STREAM || kind == unix.SOCK_SEQPACKET):
						want = allowed
					case family == unix.AF_UNIX: // it sends to any name without connecting
						want = fails(unix.EACCES)
					case family == unix.AF_NETLINK && protocol == unix.NETLINK_ROUTE:
						want = allowed
					case family == unix.AF_NETLINK:
						want = fails(unix.EPROTONOSUPPORT)
					case family != unix.AF_INET && family != unix.AF_INET6:
					case kind == unix.SOCK_STREAM && (protocol == 0 || protocol == unix.IPPROTO_TCP),
						kind == unix.SOCK_DGRAM && (protocol == 0 || protocol == unix.IPPROTO_UDP || protocol == unix.IPPROTO_ICMP || protocol == unix.IPPROTO_ICMPV6):
						want = allowed
					case kind == unix.SOCK_STREAM || kind == unix.SOCK_DGRAM:
						want = fails(unix.EPROTONOSUPPORT)
					default:
						want = fails(unix.EPERM)
					}
					try(want, family, kind, protocol)
				}
				try(fails(unix.EAFNOSUPPORT), family|1<<20, kind)
			}
		}
	})
	walk(t, "socketpair", func(try func(uint32, ...uint64)) {
		for family := range uint64(64) {
			want := fails(unix.EAFNOSUPPORT)
			if family == unix.AF_UNIX {
				want = allowed
			}
			try(want, family, unix.SOCK_STREAM)
			if family == unix.AF_UNIX {
				want = notified
			}
			try(want, family, unix.SOCK_DGRAM)
			if family == unix.AF_UNIX {
				want = fails(unix.EACCES)
			}
			try(want, family, unix.SOCK_RAW)
		}
	})
	walk(t, "setsockopt", func(try func(uint32, ...uint64)) {
		for level := range uint64(300) {
			for name := range uint64(128) {
				want := allowed
				if level == unix.IPPROTO_TCP && name == unix.TCP_FASTOPEN_CONNECT {
					want = fails(unix.ENOPROTOOPT)
				}
				try(want, 3, level, name)
			}
		}
	})
}

// Every bit of the flags that make namespaces.
func TestWalkClone(t *testing.T) {
	namespaces := map[string]uint64{
		"clone":   unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP,
		"unshare": unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWTIME,
	}
	for call, refused := range namespaces {
		walk(t, call, func(try func(uint32, ...uint64)) {
			for one := range 64 {
				for other := range 64 {
					flags := uint64(1)<<one | uint64(1)<<other
					want := allowed
					if flags&refused != 0 {
						want = notified // to be refused and told, and never let go on: LeaveToHandler
					}
					try(want, flags)
				}
			}
		})
	}
}

// Every bit of the flags and of the mode of an open.
func TestWalkOpen(t *testing.T) {
	walk(t, "openat", func(try func(uint32, ...uint64)) {
		const makes = unix.O_CREAT | 0o20000000
		for one := range 32 {
			for other := range 32 {
				for _, mode := range []uint64{0, 0o600, 0o4755, 0o2755, 0o1777, 0o7777, 1<<32 | 0o644} {
					flags := uint64(1)<<one | uint64(1)<<other
					want := allowed
					switch {
					case flags&makes != 0 && mode&0o6000 != 0:
						want = fails(unix.EPERM)
					case flags&(unix.O_WRONLY|unix.O_RDWR|unix.O_CREAT|unix.O_TRUNC) != 0:
						want = notified
					}
					try(want, 3, 0x1000, flags, mode)
				}
			}
		}
	})
}

// Every type and number of an ioctl, in each of its four directions.
func TestWalkIoctl(t *testing.T) {
	letters := map[uint64]uint32{
		'f': fails(unix.EOPNOTSUPP), 'v': fails(unix.EOPNOTSUPP), 'X': fails(unix.EOPNOTSUPP), 0x94: fails(unix.EOPNOTSUPP), 0xbc: fails(unix.EOPNOTSUPP),
		0xf5: fails(unix.EOPNOTSUPP), 0x6f: fails(unix.EOPNOTSUPP), 'K': fails(unix.ENOTTY), 'V': fails(unix.ENOTTY),
	}
	terminal := map[uint64]bool{0x5412: true, 0x541c: true, 0x5423: true, 0x541d: true, 0x540c: true}
	asks := map[uint64]bool{
		0x80086601: true, 0x80046601: true, 0xc020660b: true, 0x400c6615: true, 0xc0096616: true, 0xc0046686: true, 0x80087601: true, 0x80047601: true,
		0x801c581f: true, 0x40049409: true, 0x4020940d: true, 0xc0189436: true, 0x81009431: true,
	}
	meant := func(request uint64) uint32 {
		request &= 0xffffffff
		switch refused, ok := letters[request>>8&0xff]; {
		case terminal[request]:
			return fails(unix.EPERM)
		case request == 0x40047211: // the attributes of a file on FAT
			return fails(unix.EOPNOTSUPP)
		case ok && !asks[request]:
			return refused
		}
		return allowed
	}
	walk(t, "ioctl", func(try func(uint32, ...uint64)) {
		for request := range uint64(1 << 16) {
			for _, rest := range []uint64{0, 0x4004 << 16, 0x8008 << 16, 0xc020 << 16} {
				try(meant(request|rest), 3, request|rest)
			}
		}
		for request := range asks {
			try(allowed, 3, request)
			try(meant(request|1<<40), 3, request|1<<40)
		}
		// By name: chattr, a frozen file system, a key taken out, a file sealed for
		// good, a snapshot of a subvolume and the newer way to make one, the layout of a
		// file or a folder on Ceph.
		for _, request := range []uint64{0x40289702, 0x40289705, 0x40086602, 0xc0045877, 0xc0406618, 0x40806685, 0x50009401, 0x50009417} {
			try(fails(unix.EOPNOTSUPP), 0, request)
		}
	})
}

// The rest that is judged by one argument.
func TestWalkOthers(t *testing.T) {
	walk(t, "fcntl", func(try func(uint32, ...uint64)) {
		for command := range uint64(1200) {
			want := allowed
			if command == 1024 || command == 1040 { // F_SETLEASE, F_SETDELEG
				want = fails(unix.EPERM)
			}
			try(want, 3, command)
		}
	})
	walk(t, "personality", func(try func(uint32, ...uint64)) {
		for bit := range 32 {
			want := fails(unix.EPERM)
			if bit == 3 || bit == 18 { // PER_LINUX32, ADDR_NO_RANDOMIZE
				want = allowed
			}
			try(want, 1<<bit)
		}
		try(allowed, 0)
		try(allowed, 0xffffffff)
	})
	walk(t, "fallocate", func(try func(uint32, ...uint64)) {
		for bit := range 32 {
			try(allowed, 3, 1<<bit)
		}
	})
	walkWith(t, Options{Notify: true, SizeLimit: 4096}, "fallocate", func(try func(uint32, ...uint64)) {
		for mode := range uint64(1 << 9) {
			want := notified
			if mode&unix.FALLOC_FL_INSERT_RANGE == 0 && mode&unix.FALLOC_FL_PUNCH_HOLE != 0 {
				want = allowed
			}
			try(want, 3, mode)
			try(want, 3, mode|1<<40)
		}
	})
	walk(t, "ftruncate", func(try func(uint32, ...uint64)) {
		for bit := range 64 {
			try(allowed, 3, 1<<bit)
		}
	})
	// The limit itself is the last that is let through, whichever half of it is looked at.
	for _, limit := range []uint64{1, 4096, 1<<32 - 1, 1 << 32, 5<<32 | 7} {
		walkWith(t, Options{Notify: true, SizeLimit: int64(limit)}, "ftruncate", func(try func(uint32, ...uint64)) {
			for bit := range 64 {
				for _, length := range []uint64{1 << bit, limit, limit + 1, limit - 1, limit ^ 1<<bit, limit + 1<<bit} {
					want := allowed
					if length > limit {
						want = notified
					}
					try(want, 3, length)
				}
			}
		})
	}
	for call, group := range map[string]uint64{"setpriority": 1, "ioprio_set": 2} {
		walk(t, call, func(try func(uint32, ...uint64)) {
			for which := range uint64(5) {
				for who := range uint64(5) {
					want := allowed
					if which == group && who == 0 {
						want = fails(unix.EPERM)
					}
					try(want, which, who, 5)
				}
			}
		})
	}
	walk(t, "prlimit64", func(try func(uint32, ...uint64)) {
		try(allowed, 0)
		for pid := uint64(1); pid < 1000; pid++ {
			try(fails(unix.EPERM), pid)
		}
	})
	for call, argument := range map[string]int{"sendto": 3, "sendmsg": 2, "sendmmsg": 3} {
		walk(t, call, func(try func(uint32, ...uint64)) {
			for bit := range 32 {
				var arguments [6]uint64
				arguments[argument] = 1 << bit
				want := allowed
				if arguments[argument] == unix.MSG_FASTOPEN {
					want = fails(unix.EOPNOTSUPP)
				}
				try(want, arguments[:]...)
			}
		})
	}
}

// No number of another architecture, of the x32 range or of the future passes.
func TestWalkForeignNumbers(t *testing.T) {
	others := []uint32{
		unix.AUDIT_ARCH_I386, unix.AUDIT_ARCH_ARM, unix.AUDIT_ARCH_ARMEB, unix.AUDIT_ARCH_X86_64, unix.AUDIT_ARCH_AARCH64, unix.AUDIT_ARCH_PPC64LE,
		unix.AUDIT_ARCH_RISCV64, unix.AUDIT_ARCH_S390X, unix.AUDIT_ARCH_MIPS64, 0, 0xffffffff,
	}
	for arch, audit := range architectures {
		filter := built(t, Options{Arch: arch, Notify: true})
		for _, other := range others {
			if other == audit {
				continue
			}
			for number := range uint32(1024) {
				if got := run(t, filter, data{number: number, arch: other}); got != killed {
					t.Fatalf("%s: number %d of architecture %#x: %#x", arch, number, other, got)
				}
			}
		}
		for number := range uint32(1024) {
			for _, high := range []uint32{0x40000000, 0x80000000, 0xc0000000, 0x10000} {
				if got := run(t, filter, data{number: high | number, arch: audit}); got != fails(unix.ENOSYS) {
					t.Fatalf("%s: number %#x: %#x", arch, high|number, got)
				}
			}
		}
	}
}

// The kernel's own check of a program (net/core/filter.c, kernel/seccomp.c), for
// every set of options.
func TestFiltersAreWellFormed(t *testing.T) {
	for arch := range architectures {
		for bits := range 32 {
			filter := built(t, Options{Arch: arch, Notify: bits&1 != 0, EveryOpen: bits&2 != 0, Reduced: bits&4 != 0, Internet: bits&8 != 0, SizeLimit: int64(bits & 16)})
			for pc, in := range filter {
				switch in.Code & 7 {
				case unix.BPF_JMP:
					if pc+1+int(in.Jt) >= len(filter) || pc+1+int(in.Jf) >= len(filter) {
						t.Errorf("%s %d: instruction %d jumps out", arch, bits, pc)
					}
				case unix.BPF_LD:
					if in.K%4 != 0 || in.K >= 64 {
						t.Errorf("%s %d: instruction %d loads at %d", arch, bits, pc, in.K)
					}
				}
			}
			if filter[len(filter)-1].Code != unix.BPF_RET|unix.BPF_K {
				t.Errorf("%s %d: it does not end in an answer", arch, bits)
			}
		}
	}
}
