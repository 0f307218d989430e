//go:build linux

package seccomp

import "golang.org/x/sys/unix"

// rule writes the instructions for one call. They end in a return on every way.
type rule func(o Options) []unix.SockFilter

// Offsets in struct seccomp_data. Both architectures are little-endian, so the
// low half of an argument comes first; every argument that is looked at is an
// int, or one of which the kernel uses only the low half.
const (
	offsetNumber = 0
	offsetArch   = 4
)

func offsetArgument(n int) uint32 { return uint32(16 + 8*n) }

func load(offset uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
}

func jump(op uint16, k uint32, yes, no int) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_K | op, K: k, Jt: uint8(yes), Jf: uint8(no)}
}

func answer(value uint32) []unix.SockFilter {
	return []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: value}}
}

func allow() []unix.SockFilter { return answer(unix.SECCOMP_RET_ALLOW) }

func errno(e unix.Errno) []unix.SockFilter {
	return answer(unix.SECCOMP_RET_ERRNO | uint32(e)&unix.SECCOMP_RET_DATA)
}

func notify(o Options) []unix.SockFilter {
	if !o.Notify {
		return allow()
	}
	return answer(unix.SECCOMP_RET_USER_NOTIF)
}

func sequence(parts ...[]unix.SockFilter) []unix.SockFilter {
	var out []unix.SockFilter
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// ifBits runs then when the argument has one of the bits.
func ifBits(argument int, bits uint32, then []unix.SockFilter) []unix.SockFilter {
	return sequence([]unix.SockFilter{load(offsetArgument(argument)), jump(unix.BPF_JSET, bits, 0, len(then))}, then)
}

// ifEqual runs then when the argument, less the bits that mask leaves out, has
// the value.
func ifEqual(argument int, mask, value uint32, then []unix.SockFilter) []unix.SockFilter {
	return sequence([]unix.SockFilter{
		load(offsetArgument(argument)),
		{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: mask},
		jump(unix.BPF_JEQ, value, 0, len(then)),
	}, then)
}

// ifOneOf runs then when the argument has one of the values.
func ifOneOf(argument int, values []uint32, then []unix.SockFilter) []unix.SockFilter {
	out := []unix.SockFilter{load(offsetArgument(argument))}
	for i, v := range values {
		last := len(values) - 1 - i
		no := 0
		if last == 0 {
			no = len(then)
		}
		out = append(out, jump(unix.BPF_JEQ, v, last, no))
	}
	return sequence(out, then)
}

const allBits = 0xffffffff

// refuse answers without a word: what is refused so is what programs try and do without.
func refuse(e unix.Errno) rule {
	return func(Options) []unix.SockFilter { return errno(e) }
}

func onNotify() rule { return notify }

const (
	setIDBits    = unix.S_ISUID | unix.S_ISGID
	temporary    = 0o20000000 // __O_TMPFILE without O_DIRECTORY, the same on both architectures
	openCreates  = unix.O_CREAT | temporary
	openWrites   = unix.O_WRONLY | unix.O_RDWR | unix.O_CREAT | unix.O_TRUNC
	linux32      = 0x8 // PER_LINUX32
	noRandom     = 0x40000
	anyPersona   = 0xffffffff // asks only
	socketTypes  = 0xf
	fastOpenSend = unix.MSG_FASTOPEN
)

const cloneNamespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWPID | unix.CLONE_NEWIPC |
	unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP

// onOpen hands over what is opened for writing. A mode counts only where a file
// may be made; otherwise the argument holds whatever the caller left there.
func onOpen(flags, mode int) rule {
	return func(o Options) []unix.SockFilter {
		last := allow()
		if o.EveryOpen || o.Reduced {
			last = notify(o)
		}
		return sequence(
			ifBits(flags, openCreates, ifBits(mode, setIDBits, barred(o, unix.EPERM))),
			ifBits(flags, openWrites, notify(o)),
			last,
		)
	}
}

// onMode bars set-uid and set-gid bits in a mode and hands over the rest.
func onMode(mode int) rule {
	return func(o Options) []unix.SockFilter {
		return sequence(ifBits(mode, setIDBits, barred(o, unix.EPERM)), notify(o))
	}
}

// onSocket allows UNIX sockets that are connected, TCP and UDP (and ping's ICMP), and netlink for
// routes. Raw packets and the rest of the kernel's families are refused.
func onSocket() rule {
	return func(o Options) []unix.SockFilter {
		family, unknown := barred(o, unix.EAFNOSUPPORT), barred(o, unix.EPROTONOSUPPORT)
		local := ifEqual(0, allBits, unix.AF_UNIX, connected(o))
		if o.Reduced {
			return onReducedSocket(o)
		}
		return sequence(
			local,
			ifEqual(0, allBits, unix.AF_NETLINK, sequence(ifEqual(2, allBits, unix.NETLINK_ROUTE, allow()), unknown)),
			ifOneOf(0, []uint32{unix.AF_INET, unix.AF_INET6}, sequence(
				ifEqual(1, socketTypes, unix.SOCK_STREAM, sequence(
					ifOneOf(2, []uint32{0, unix.IPPROTO_TCP}, allow()), multipath(unix.EPROTONOSUPPORT), unknown)),
				ifEqual(1, socketTypes, unix.SOCK_DGRAM, sequence(
					ifOneOf(2, []uint32{0, unix.IPPROTO_UDP, unix.IPPROTO_ICMP, unix.IPPROTO_ICMPV6}, allow()), unknown)),
				barred(o, unix.EPERM),
			)),
			family,
		)
	}
}

// multipath refuses multipath TCP without a word: every server in Go asks for it first,
// and goes on with TCP.
func multipath(e unix.Errno) []unix.SockFilter {
	return ifEqual(2, allBits, unix.IPPROTO_MPTCP, errno(e))
}

// onSocketPair allows pairs of UNIX sockets that are connected, and hands one of datagrams over. A
// pair of any other family runs that family's code before it is refused, and loads its module.
func onSocketPair() rule {
	return func(o Options) []unix.SockFilter {
		return sequence(ifEqual(0, allBits, unix.AF_UNIX, sequence(onDatagramPair(o), connected(o))), barred(o, unix.EAFNOSUPPORT))
	}
}

func onFcntl() rule {
	return func(o Options) []unix.SockFilter {
		return sequence(ifOneOf(1, []uint32{unix.F_SETLEASE, unix.F_SETDELEG}, barred(o, unix.EPERM)), allow())
	}
}

// onOthersLimits allows a process its own limits only, which it names by 0.
func onOthersLimits() rule {
	return func(o Options) []unix.SockFilter {
		return sequence(ifEqual(0, allBits, 0, allow()), barred(o, unix.EPERM))
	}
}

// onFastOpen refuses to send data before the connection: it would pass by
// connect, where connections are judged. Nobody is told: the program connects then.
func onFastOpen(flags int) rule {
	return func(Options) []unix.SockFilter {
		return sequence(ifBits(flags, fastOpenSend, errno(unix.EOPNOTSUPP)), allow())
	}
}

func onSetSockOpt() rule {
	return func(o Options) []unix.SockFilter {
		return sequence(
			reducedOnly(o, ways(o)),
			ifEqual(1, allBits, unix.IPPROTO_TCP, ifEqual(2, allBits, unix.TCP_FASTOPEN_CONNECT, errno(unix.ENOPROTOOPT))),
			allow(),
		)
	}
}

func onPersonality() rule {
	return func(o Options) []unix.SockFilter {
		return sequence(ifOneOf(0, []uint32{0, linux32, noRandom, linux32 | noRandom, anyPersona}, allow()), barred(o, unix.EPERM))
	}
}
