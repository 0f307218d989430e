//go:build linux

package seccomp

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// settled is what a program gets of a filter with a Listener that asks its Handler of
// nothing: what is handed over to be refused counts as the errno.
func settled(t *testing.T, told bars, filter []unix.SockFilter, d data) uint32 {
	t.Helper()
	value := run(t, filter, d)
	if e, _, barred := told.refuse(int(d.number), &d.arguments); barred && value == notified {
		return fails(e)
	}
	return value
}

// named are arguments that some rule looks for, or that look like one to half of a register.
func named() []uint64 {
	return []uint64{
		0, unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK, unix.AF_PACKET, unix.AF_ALG, unix.AF_VSOCK, 1<<32 | unix.AF_UNIX,
		unix.SOCK_RAW, unix.SOCK_SEQPACKET, unix.SOCK_DGRAM | unix.SOCK_CLOEXEC, unix.SOCK_STREAM | unix.SOCK_NONBLOCK, 1<<63 | unix.SOCK_DGRAM, unix.SOCK_STREAM | 0x40,
		unix.IPPROTO_TCP, unix.IPPROTO_UDP, unix.IPPROTO_MPTCP, unix.IPPROTO_SCTP, unix.NETLINK_AUDIT,
		unix.F_SETLEASE, unix.F_SETDELEG, 1<<32 | unix.F_SETLEASE, unix.TIOCSTI, 1<<32 | unix.TIOCSTI, unix.TIOCEXCL, setFATAttributes,
		typeFile | 2, typeVersion | 2, typeExtended | 2, typeBtrfs | 1, typeBcachefs, typeF2FS, typeOCFS2, getFlags, cloneRange, typeConsole | 2, unix.TCGETS,
		0xffffffff, 0xffffffffffffffff, 0x0400000, unix.O_CREAT | unix.O_WRONLY, 0o4755, 0o2755, unix.MSG_FASTOPEN,
		unix.IP_OPTIONS, unix.SO_BINDTODEVICE, unix.TCP_ULP, unix.TCP_FASTOPEN_CONNECT, unix.CLONE_NEWUSER, unix.CLONE_NEWCGROUP,
	}
}

// notable are these, and each bit.
func notable() []uint64 {
	list := named()
	for bit := range 64 {
		list = append(list, 1<<bit)
	}
	return list
}

// What a filter refuses by itself, where there is no listener, is what the listener
// refuses of what is handed over to it, with the same errno, and nothing else: every
// call of both architectures, with every pair of arguments of which one is notable and one named.
func TestBarredByBoth(t *testing.T) {
	own := strings.Fields("clone unshare socketpair fallocate ftruncate") // a handler refuses these, or makes them
	kinds := []Options{
		{}, {NoScopes: true}, {Nested: true, NoScopes: true}, {Nested: true, CgroupNamespaces: true, SizeLimit: 4096},
		{Reduced: true}, {Reduced: true, Internet: true, SizeLimit: 4096},
	}
	for arch := range architectures {
		for _, o := range kinds {
			o.Arch = arch
			told := barsOf(arch, o.Reduced)
			seen := map[string]bool{}
			heard := o
			heard.Notify = true
			for _, r := range table() {
				if r.number(arch) == none {
					continue
				}
				alone, handed := append(r.rule(o), allow()...), append(r.rule(heard), allow()...)
				check := func(arguments [6]uint64) {
					d := data{number: uint32(r.number(arch)), arch: architectures[arch], arguments: arguments}
					deaf, value := run(t, alone, d), run(t, handed, d)
					e, name, barred := told.refuse(r.number(arch), &arguments)
					switch refused := deaf&unix.SECCOMP_RET_ACTION_FULL == unix.SECCOMP_RET_ERRNO; {
					case value != notified:
						if value != deaf {
							t.Fatalf("%s %+v %s%x: %#x with a listener, %#x without", arch, o, r.name, arguments, value, deaf)
						}
					case barred:
						if seen[name] = true; deaf != fails(e) || name != r.name {
							t.Fatalf("%s %+v %s%x: barred as %s with %v, %#x without a listener", arch, o, r.name, arguments, name, e, deaf)
						}
					case refused && !slices.Contains(own, r.name):
						t.Fatalf("%s %+v %s%x: refused without a listener, and its handler is asked", arch, o, r.name, arguments)
					}
				}
				for _, one := range notable() {
					for argument := range 6 {
						arguments := [6]uint64{}
						arguments[argument] = one
						check(arguments)
					}
				}
				if len(handed) < 4 {
					continue // it looks at no argument
				}
				first := named()
				if strings.HasPrefix(r.name, "open") {
					first = notable() // of flags and modes, each bit
				}
				for _, one := range first {
					for _, other := range named() {
						for argument := range 3 {
							arguments := [6]uint64{}
							arguments[argument], arguments[argument+1] = one, other
							check(arguments)
						}
						if r.name != "socket" && r.name != "socketpair" {
							continue
						}
						for _, third := range []uint64{unix.IPPROTO_TCP, unix.IPPROTO_MPTCP, unix.NETLINK_AUDIT, unix.IPPROTO_RAW, 1 << 32} {
							check([6]uint64{other, one, third})
						}
					}
				}
			}
			for _, k := range told {
				opened := o.Nested && (slices.Contains(strings.Fields(openedByNested), k.name)) || !o.NoScopes && k.name == "kill"
				if seen[k.name] == opened {
					t.Errorf("%s %+v: %s barred: %t", arch, o, k.name, seen[k.name])
				}
			}
		}
	}
}

// Nobody is told of what programs ask for in passing and do without; of all else that the
// filter refuses somebody is.
func TestTold(t *testing.T) {
	for _, test := range []struct {
		call            string
		arguments       [6]uint64
		inFull, reduced bool
	}{
		{"socket", [6]uint64{unix.AF_UNIX, unix.SOCK_DGRAM | unix.SOCK_CLOEXEC}, true, true},                          // logger, syslog(3), sd_notify
		{"socket", [6]uint64{unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP}, true, true},                             // ping
		{"socket", [6]uint64{unix.AF_INET6, unix.SOCK_RAW, unix.IPPROTO_ICMPV6}, true, true},                          //
		{"socket", [6]uint64{unix.AF_INET, unix.SOCK_DGRAM}, false, true},                                             // DNS, QUIC
		{"socket", [6]uint64{unix.AF_INET, unix.SOCK_STREAM}, false, true},                                            // where the policy lets nothing out
		{"socket", [6]uint64{unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_SCTP}, true, true},                          //
		{"socket", [6]uint64{unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP}, false, false},                       // every server in Go asks first
		{"socket", [6]uint64{unix.AF_INET6, unix.SOCK_STREAM | unix.SOCK_NONBLOCK}, false, false},                     // in Go, curl and node, whether there is IPv6
		{"socket", [6]uint64{unix.AF_INET6, unix.SOCK_DGRAM}, false, false},                                           // in the resolver of the C library
		{"socket", [6]uint64{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE}, false, true},                        // os.networkInterfaces of node, which throws
		{"socket", [6]uint64{unix.AF_NETLINK, unix.SOCK_RAW | unix.SOCK_CLOEXEC, unix.NETLINK_INET_DIAG}, true, true}, // ss
		{"socket", [6]uint64{unix.AF_PACKET, unix.SOCK_RAW}, true, true},
		{"socket", [6]uint64{unix.AF_ALG, unix.SOCK_SEQPACKET}, true, true},
		{"socketpair", [6]uint64{unix.AF_UNIX, unix.SOCK_DGRAM}, false, true},
		{"fcntl", [6]uint64{1: unix.F_SETLEASE}, true, true},
		{"ioctl", [6]uint64{1: unix.TIOCSTI}, true, true},
		{"ioctl", [6]uint64{1: typeFile | 2}, true, true},         // chattr
		{"ioctl", [6]uint64{1: typeConsole | 2}, false, false},    // whether it is a console
		{"sendto", [6]uint64{3: unix.MSG_FASTOPEN}, false, false}, // it connects then
		{"setsockopt", [6]uint64{1: unix.IPPROTO_TCP, 2: unix.TCP_FASTOPEN_CONNECT}, false, false},
		{"setsockopt", [6]uint64{1: unix.IPPROTO_TCP, 2: unix.TCP_ULP}, false, true},
		{"clone3", [6]uint64{}, false, false}, // at every new thread
		{"openat2", [6]uint64{}, false, false},
		{"shmget", [6]uint64{}, false, true},
		{"mount", [6]uint64{}, true, true},
		{"io_uring_setup", [6]uint64{}, true, true},
		{"syslog", [6]uint64{}, true, true}, // dmesg
		{"prlimit64", [6]uint64{1}, true, true},
		{"kill", [6]uint64{}, false, false}, // where scopes keep it inside: TestWalkSignals
	} {
		for arch := range architectures {
			for _, o := range []Options{{Arch: arch, Notify: true}, {Arch: arch, Notify: true, Reduced: true}} {
				for _, r := range table() {
					if r.name != test.call {
						continue
					}
					d := data{number: uint32(r.number(arch)), arch: architectures[arch], arguments: test.arguments}
					_, _, barred := barsOf(arch, o.Reduced).refuse(int(d.number), &d.arguments)
					told := barred && run(t, built(t, o), d) == notified
					if want := !o.Reduced && test.inFull || o.Reduced && test.reduced; told != want {
						t.Errorf("%s, reduced %t, %s%x: told %t", arch, o.Reduced, test.call, test.arguments, told)
					}
				}
			}
		}
	}
}

// What is not known of a rule refuses: a listener never lets go on what it cannot read.
func TestEvaluateFailsClosed(t *testing.T) {
	for name, rule := range map[string][]unix.SockFilter{
		"nothing":        nil,
		"no end":         {load(offsetArgument(0))},
		"a jump past it": {jump(unix.BPF_JEQ, 0, 200, 200), answer(unix.SECCOMP_RET_ALLOW)[0]},
		"another code":   {{Code: unix.BPF_ALU | unix.BPF_ADD | unix.BPF_K}, answer(unix.SECCOMP_RET_ALLOW)[0]},
		"the upper half": {load(offsetArgument(0) + 4), answer(unix.SECCOMP_RET_ALLOW)[0]},
		"the number":     {load(offsetNumber), answer(unix.SECCOMP_RET_ALLOW)[0]},
		"a 7th argument": {load(offsetArgument(6)), answer(unix.SECCOMP_RET_ALLOW)[0]},
	} {
		if got := evaluate(rule, &[6]uint64{}); got != fails(unix.EPERM) {
			t.Errorf("%s: %#x", name, got)
		}
	}
}

// A set-uid or set-gid bit is refused whatever the handler would say, and told, by every
// call that can set one, also where the handler is left to read its calls itself.
func TestSetIDIsBarred(t *testing.T) {
	startsPrograms(t)
	for _, leave := range []bool{false, true} {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "file"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		script := fmt.Sprintf(`use Errno; use Fcntl; open(my $f, "<", "file") or die; mkdir("folder") or die;
			sub says { print shift() ? "done " : $!{EPERM} ? "refused " : "$! " }
			says(chmod(04755, "file")); says(chmod(02755, "folder")); says(chmod(02755, $f)); says(chmod(0755, "file"));
			says(sysopen(my $g, "new", O_CREAT | O_WRONLY, 04755)); says(sysopen(my $h, "file", O_WRONLY, 04755)); my $name = "node"; says(syscall(%d, %d, $name, 0104755, 0) == 0)`, unix.SYS_MKNODAT, unix.AT_FDCWD)
		var told []string
		heard := callsHeard(t, func(l *Listener) {
			l.TellBarred(func(c Call) { told = append(told, c.Operation+" "+filepath.Base(c.Path)) })
			if leave {
				l.LeaveToHandler("chmod", "fchmod", "fchmodat", "open", "openat", "mknod")
			}
		}, func() {
			cmd := exec.CommandContext(t.Context(), "perl", "-e", script)
			cmd.Dir = folder
			if out, err := cmd.CombinedOutput(); err != nil || string(out) != "refused refused refused done refused done refused " {
				t.Errorf("%v: %s", err, out)
			}
		})
		if want := []string{"chmod file", "chmod folder", "chmod file", "create new", "mknod node"}; !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
		for _, c := range heard {
			if _, _, barred := barsOf(runtime.GOARCH, false).refuse(c.Syscall, &c.Arguments); barred {
				t.Errorf("the handler was asked about %+v", c)
			}
		}
		for _, name := range []string{"file", "folder"} {
			if info, err := os.Stat(filepath.Join(folder, name)); err != nil || info.Mode()&(os.ModeSetuid|os.ModeSetgid) != 0 {
				t.Errorf("%s: %v %v", name, info.Mode(), err)
			}
		}
	}
}
