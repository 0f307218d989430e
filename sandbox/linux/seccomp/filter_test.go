//go:build linux

package seccomp

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// data is struct seccomp_data.
type data struct {
	number    uint32
	arch      uint32
	arguments [6]uint64
}

// word is what a BPF load finds at an offset.
func (d *data) word(offset uint32) uint32 {
	switch {
	case offset == 0:
		return d.number
	case offset == 4:
		return d.arch
	case offset >= 16 && offset < 64:
		a := d.arguments[(offset-16)/8]
		if offset%8 != 0 {
			return uint32(a >> 32)
		}
		return uint32(a)
	}
	panic(fmt.Sprintf("load at %d", offset))
}

// run interprets a filter as the kernel does.
func run(tb testing.TB, filter []unix.SockFilter, d data) uint32 {
	tb.Helper()
	var a uint32
	for pc := 0; pc < len(filter); pc++ {
		in := filter[pc]
		branch := func(yes bool) {
			if yes {
				pc += int(in.Jt)
			} else {
				pc += int(in.Jf)
			}
		}
		switch in.Code {
		case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
			a = d.word(in.K)
		case unix.BPF_ALU | unix.BPF_AND | unix.BPF_K:
			a &= in.K
		case unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K:
			branch(a == in.K)
		case unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K:
			branch(a > in.K)
		case unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K:
			branch(a&in.K != 0)
		case unix.BPF_RET | unix.BPF_K:
			return in.K
		default:
			tb.Fatalf("instruction %d: code %#x", pc, in.Code)
		}
	}
	tb.Fatal("the filter ends without an answer")
	return 0
}

const (
	allowed  = uint32(unix.SECCOMP_RET_ALLOW)
	notified = uint32(unix.SECCOMP_RET_USER_NOTIF)
	killed   = uint32(unix.SECCOMP_RET_KILL_PROCESS)
)

func fails(e unix.Errno) uint32 { return unix.SECCOMP_RET_ERRNO | uint32(e) }

var architectures = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}

func built(tb testing.TB, o Options) []unix.SockFilter {
	tb.Helper()
	filter, err := Build(o)
	if err != nil {
		tb.Fatal(err)
	}
	return filter
}

// refusedOutright is the policy once more in words, apart from the table: a row
// that is lost or mistyped there shows here.
const refusedOutright = `mount umount2 pivot_root chroot open_tree open_tree_attr move_mount fsopen fsconfig fsmount fspick mount_setattr
setns bpf perf_event_open userfaultfd modify_ldt uselib vhangup nfsservctl lookup_dcookie _sysctl
io_uring_setup io_uring_enter io_uring_register add_key request_key keyctl open_by_handle_at fanotify_init fanotify_mark
process_vm_readv process_vm_writev pidfd_getfd kcmp listns init_module finit_module delete_module kexec_load kexec_file_load
reboot swapon swapoff acct quotactl quotactl_fd syslog sethostname setdomainname settimeofday clock_settime iopl ioperm`

const handedOver = `creat mkdir mkdirat mknod mknodat unlink unlinkat rmdir rename renameat renameat2 link linkat symlink symlinkat truncate
chmod fchmod fchmodat fchmodat2 chown lchown fchown fchownat utime utimes futimesat utimensat setxattr lsetxattr fsetxattr setxattrat
removexattr lremovexattr fremovexattr removexattrat file_setattr execve execveat connect`

// kernelNumbers reads an architecture's numbers from the source of
// golang.org/x/sys, which is generated from the kernel's own tables.
func kernelNumbers(t *testing.T, arch string) map[string]int {
	t.Helper()
	folder, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/sys").Output()
	if err != nil {
		need(t, "the source of golang.org/x/sys: "+err.Error())
	}
	source, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(folder)), "unix", "zsysnum_linux_"+arch+".go"))
	if err != nil {
		need(t, err.Error())
	}
	out := map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^\s+SYS_(\w+)\s+= (\d+)`).FindAllStringSubmatch(string(source), -1) {
		out[strings.ToLower(m[1])], _ = strconv.Atoi(m[2])
	}
	return out
}

func TestEveryNumberOfBothArchitectures(t *testing.T) {
	for arch, audit := range architectures {
		t.Run(arch, func(t *testing.T) {
			names := map[int]string{}
			for name, number := range kernelNumbers(t, arch) {
				names[number] = name
			}
			want := map[string]uint32{"clone3": fails(unix.ENOSYS), "openat2": fails(unix.ENOSYS)}
			for name := range strings.FieldsSeq(refusedOutright) {
				want[name] = fails(unix.EPERM)
			}
			for name := range strings.FieldsSeq(handedOver) {
				want[name] = notified
			}
			want["personality"], want["socket"] = allowed, fails(unix.EAFNOSUPPORT) // with arguments of zero
			want["socketpair"] = fails(unix.EAFNOSUPPORT)
			filter := built(t, Options{Arch: arch, Notify: true})
			if len(filter) > 1000 {
				t.Errorf("%d instructions", len(filter))
			}
			for number := range 1024 {
				expect, listed := want[names[number]]
				switch {
				case number > newestCall:
					expect = fails(unix.ENOSYS)
				case !listed:
					expect = allowed
				}
				if got := settled(t, barsOf(arch, false), filter, data{number: uint32(number), arch: audit}); got != expect {
					t.Errorf("%d %s: %#x, want %#x", number, names[number], got, expect)
				}
			}
			for _, number := range []uint32{0x40000000, 0x40000000 + 59, 0x7fffffff, 0x80000000, 0xffffffff} {
				if got := run(t, filter, data{number: number, arch: audit}); got != fails(unix.ENOSYS) {
					t.Errorf("%#x: %#x", number, got)
				}
			}
			for _, foreign := range []uint32{unix.AUDIT_ARCH_I386, unix.AUDIT_ARCH_ARM, unix.AUDIT_ARCH_AARCH64 ^ unix.AUDIT_ARCH_X86_64 ^ audit, 0} {
				if got := run(t, filter, data{number: 1, arch: foreign}); got != killed {
					t.Errorf("architecture %#x: %#x", foreign, got)
				}
			}
		})
	}
}

func TestTableNumbers(t *testing.T) {
	for arch := range architectures {
		numbers := kernelNumbers(t, arch)
		seen := map[int]string{}
		for _, r := range table() {
			number, known := numbers[r.name]
			if !known {
				number = none
			}
			if r.number(arch) != number {
				t.Errorf("%s %s: %d, the kernel has %d", arch, r.name, r.number(arch), number)
			}
			if other, twice := seen[number]; twice && number != none {
				t.Errorf("%s %s: %d is also %s", arch, r.name, number, other)
			}
			seen[number] = r.name
		}
		for name, number := range numbers {
			if number > newestCall {
				t.Errorf("%s: %s is newer than the table", arch, name)
			}
		}
	}
}

func TestArguments(t *testing.T) {
	const tmpfile = unix.O_TMPFILE | unix.O_RDWR
	type args = [6]uint64
	tests := []struct {
		call string
		args args
		want uint32
	}{
		{"openat", args{2: unix.O_RDONLY}, allowed},
		{"openat", args{2: unix.O_RDONLY | unix.O_CLOEXEC | unix.O_DIRECTORY, 3: 0o6777}, allowed}, // no file is made: the mode is not one
		{"openat", args{2: unix.O_WRONLY}, notified},
		{"openat", args{2: unix.O_RDWR}, notified},
		{"openat", args{2: unix.O_RDONLY | unix.O_TRUNC}, notified},
		{"openat", args{2: unix.O_RDONLY | unix.O_CREAT, 3: 0o644}, notified},
		{"openat", args{2: 3}, notified},
		{"openat", args{2: 1<<63 | unix.O_WRONLY}, notified},
		{"openat", args{2: unix.O_WRONLY | unix.O_CREAT, 3: 0o4755}, fails(unix.EPERM)},
		{"openat", args{2: unix.O_WRONLY | unix.O_CREAT, 3: 0o2755}, fails(unix.EPERM)},
		{"openat", args{2: tmpfile, 3: 0o4755}, fails(unix.EPERM)},
		{"openat", args{2: tmpfile, 3: 0o600}, notified},
		{"fchmod", args{1: 0o4755}, fails(unix.EPERM)},
		{"fchmod", args{1: 0o1777}, notified},
		{"fchmodat", args{2: 0o2755}, fails(unix.EPERM)},
		{"fchmodat2", args{2: 0o6755}, fails(unix.EPERM)},
		{"mknodat", args{2: unix.S_IFREG | 0o4755}, fails(unix.EPERM)},
		{"clone", args{0: unix.CLONE_VM | unix.CLONE_THREAD | unix.CLONE_SIGHAND}, allowed},
		{"clone", args{0: unix.CLONE_NEWUSER | 17}, notified},
		{"clone", args{0: unix.CLONE_NEWNET}, notified},
		{"clone", args{0: unix.CLONE_NEWCGROUP}, notified},
		{"unshare", args{0: unix.CLONE_FILES}, allowed},
		{"unshare", args{0: unix.CLONE_NEWNS}, notified},
		{"unshare", args{0: unix.CLONE_NEWTIME}, notified},
		{"socket", args{unix.AF_UNIX, unix.SOCK_STREAM}, allowed},
		{"socket", args{unix.AF_UNIX, unix.SOCK_SEQPACKET | unix.SOCK_CLOEXEC}, allowed},
		{"socket", args{unix.AF_UNIX, unix.SOCK_DGRAM}, fails(unix.EACCES)},
		{"socket", args{unix.AF_UNIX, unix.SOCK_RAW}, fails(unix.EACCES)},
		{"socketpair", args{unix.AF_UNIX, unix.SOCK_DGRAM | unix.SOCK_NONBLOCK}, notified},
		{"socketpair", args{unix.AF_UNIX, unix.SOCK_RAW}, fails(unix.EACCES)},
		{"socket", args{unix.AF_INET, unix.SOCK_STREAM | unix.SOCK_CLOEXEC}, allowed},
		{"socket", args{unix.AF_INET6, unix.SOCK_STREAM | unix.SOCK_NONBLOCK, unix.IPPROTO_TCP}, allowed},
		{"socket", args{unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_UDP}, allowed},
		{"socket", args{unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_ICMP}, allowed},
		{"socket", args{unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP}, fails(unix.EPROTONOSUPPORT)},
		{"socket", args{unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_SCTP}, fails(unix.EPROTONOSUPPORT)},
		{"socket", args{unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_UDPLITE}, fails(unix.EPROTONOSUPPORT)},
		{"socket", args{unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_TCP}, fails(unix.EPERM)},
		{"socket", args{unix.AF_INET, unix.SOCK_SEQPACKET}, fails(unix.EPERM)},
		{"socket", args{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE}, allowed},
		{"socket", args{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_NETFILTER}, fails(unix.EPROTONOSUPPORT)},
		{"socket", args{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_AUDIT}, fails(unix.EPROTONOSUPPORT)},
		{"socket", args{unix.AF_PACKET, unix.SOCK_RAW}, fails(unix.EAFNOSUPPORT)},
		{"socket", args{unix.AF_VSOCK, unix.SOCK_STREAM}, fails(unix.EAFNOSUPPORT)},
		{"socket", args{unix.AF_ALG, unix.SOCK_SEQPACKET}, fails(unix.EAFNOSUPPORT)},
		{"socket", args{unix.AF_BLUETOOTH, unix.SOCK_RAW}, fails(unix.EAFNOSUPPORT)},
		{"socket", args{unix.AF_TIPC, unix.SOCK_STREAM}, fails(unix.EAFNOSUPPORT)},
		{"socket", args{1<<32 | unix.AF_PACKET, unix.SOCK_RAW}, fails(unix.EAFNOSUPPORT)},
		{"socketpair", args{unix.AF_UNIX, unix.SOCK_STREAM}, allowed},
		{"socketpair", args{unix.AF_TIPC, unix.SOCK_STREAM}, fails(unix.EAFNOSUPPORT)},
		{"socketpair", args{1<<32 | unix.AF_INET, unix.SOCK_STREAM}, fails(unix.EAFNOSUPPORT)},
		{"fcntl", args{1: unix.F_SETLEASE}, fails(unix.EPERM)},
		{"fcntl", args{1: 1<<32 | unix.F_SETLEASE}, fails(unix.EPERM)},
		{"fcntl", args{1: unix.F_SETLK}, allowed},
		{"prlimit64", args{0: 0}, allowed},
		{"prlimit64", args{0: 1}, fails(unix.EPERM)},
		{"prlimit64", args{0: 1<<32 | 1}, fails(unix.EPERM)},
		{"sendto", args{3: 0}, allowed},
		{"sendto", args{3: unix.MSG_FASTOPEN | unix.MSG_NOSIGNAL}, fails(unix.EOPNOTSUPP)},
		{"sendmsg", args{2: unix.MSG_FASTOPEN}, fails(unix.EOPNOTSUPP)},
		{"sendmmsg", args{3: unix.MSG_FASTOPEN}, fails(unix.EOPNOTSUPP)},
		{"setsockopt", args{1: unix.IPPROTO_TCP, 2: unix.TCP_FASTOPEN_CONNECT}, fails(unix.ENOPROTOOPT)},
		{"setsockopt", args{1: unix.IPPROTO_TCP, 2: unix.TCP_NODELAY}, allowed},
		{"setsockopt", args{1: unix.SOL_SOCKET, 2: unix.TCP_FASTOPEN_CONNECT}, allowed},
		{"ioctl", args{1: unix.TIOCSTI}, fails(unix.EPERM)},
		{"ioctl", args{1: 1<<32 | unix.TIOCSTI}, fails(unix.EPERM)},
		{"ioctl", args{1: tiocLinux}, fails(unix.EPERM)},
		{"ioctl", args{1: unix.TIOCSETD}, fails(unix.EPERM)},
		{"ioctl", args{1: unix.TIOCCONS}, fails(unix.EPERM)},
		{"ioctl", args{1: unix.TIOCGWINSZ}, allowed},
		{"personality", args{0: 0xffffffff}, allowed},
		{"personality", args{0: 0x0040000}, allowed},
		{"personality", args{0: 0x0400000}, fails(unix.EPERM)}, // READ_IMPLIES_EXEC
		{"personality", args{0: 0x4000000 | 0x8}, fails(unix.EPERM)},
	}
	for arch, audit := range architectures {
		numbers := map[string]int{}
		for _, r := range table() {
			numbers[r.name] = r.number(arch)
		}
		filter := built(t, Options{Arch: arch, Notify: true})
		for _, test := range tests {
			got := settled(t, barsOf(arch, false), filter, data{number: uint32(numbers[test.call]), arch: audit, arguments: test.args})
			if got != test.want {
				t.Errorf("%s %s%x: %#x, want %#x", arch, test.call, test.args, got, test.want)
			}
		}
	}
}

func TestOptions(t *testing.T) {
	number := map[string]int{}
	for _, r := range table() {
		number[r.name] = r.number("amd64")
	}
	at := func(o Options, call string, args ...uint64) uint32 {
		o.Arch = "amd64"
		d := data{number: uint32(number[call]), arch: unix.AUDIT_ARCH_X86_64}
		copy(d.arguments[:], args)
		return run(t, built(t, o), d)
	}
	for name := range strings.FieldsSeq(handedOver) {
		if got := at(Options{}, name); got != allowed {
			t.Errorf("%s without notification: %#x", name, got)
		}
	}
	if got := at(Options{}, "chmod", 0, 0o4755); got != fails(unix.EPERM) {
		t.Errorf("a set-uid bit without notification: %#x", got)
	}
	if got := at(Options{Notify: true, EveryOpen: true}, "openat"); got != notified {
		t.Errorf("a read with EveryOpen: %#x", got)
	}
	if _, err := Build(Options{Arch: "riscv64"}); err == nil {
		t.Error("a filter for an architecture without a table")
	}
}

// What the table hands over, the listener must know how to read.
func TestEveryHandedOverCallIsKnown(t *testing.T) {
	known := shapes()
	for arch, audit := range architectures {
		filter := built(t, Options{Arch: arch, Notify: true, EveryOpen: true})
		for _, r := range table() {
			if r.number(arch) == none {
				continue
			}
			got := settled(t, barsOf(arch, false), filter, data{number: uint32(r.number(arch)), arch: audit})
			if _, ok := known[r.name]; ok != (got == notified) {
				t.Errorf("%s %s: handed over: %v, known: %v", arch, r.name, got == notified, ok)
			}
		}
	}
}
