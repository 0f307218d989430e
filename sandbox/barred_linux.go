package sandbox

import (
	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/seccomp"
	"openclaw/sandbox/policy"
)

// barred reports a call that the call filter's rules refuse whatever the policy says, in
// words of a number that no program can make grow: they are what repeats are counted by.
func (j *judge) barred(call seccomp.Call) {
	class, target, decision := barredAs(j.policy.Load(), &call)
	j.report(call, class, target, "filter", decision)
}

// saying is what a person is told of a refused call.
type saying struct{ target, rule, because string }

// onlyFull is why the reduced mode refuses what a full cage does not.
const onlyFull = "what only a full cage can open"

func barredAs(p *policy.Policy, call *seccomp.Call) (policy.Class, string, policy.Decision) {
	class := policy.ClassExec
	var w saying
	switch call.Name {
	case "socket", "socketpair":
		class, w = policy.ClassNet, socketWords(call.Arguments)
		if d := outboundDecision(p, call.Arguments); d.Rule != "" {
			return class, w.target, d
		}
	case "setsockopt":
		class, w = policy.ClassNet, wayWords(call.Arguments)
	case "ioctl":
		w = requestWords(call.Arguments)
		if w.target == "" {
			class, w.target = policy.ClassPathWrite, fileOf(call)
		}
	case "fcntl":
		class = policy.ClassPathWrite
		w = saying{fileOf(call), "built-in: no lease on a file", "others who open the file would wait, outside as well"}
	default:
		if w = callWords()[call.Name]; w.rule == "" { // the rest is about the mode of a file
			class = policy.ClassPathWrite
			w = saying{fileOf(call), "built-in: no file or folder gets a set-user-ID or set-group-ID bit", "a set-user-ID program gives whoever runs it its owner's rights"}
		}
	}
	if w.rule == ruleNested {
		return class, w.target, policy.Decision{Effect: policy.Deny, Rule: ruleNested, Origin: p.NestedFrom}
	}
	return class, w.target, policy.Decision{Effect: policy.Deny, Rule: w.rule, Origin: policy.Origin{BuiltIn: w.because}}
}

func fileOf(call *seccomp.Call) string {
	if call.Path == "" {
		return "a file without a name"
	}
	return call.Path
}

// socketWords name a socket. The numbers are ints to the kernel: the upper halves of the
// registers count for nothing.
func socketWords(a [6]uint64) saying {
	family, kind, protocol := int32(a[0]), a[1]&0xf, int32(a[2])
	switch family {
	case unix.AF_UNIX:
		return saying{"a UNIX datagram socket", "built-in: no UNIX datagram socket (syslog and sd_notify need one)", "it sends to any socket that has a path, and nothing sees to which"}
	case unix.AF_INET, unix.AF_INET6:
		return internetWords(kind, protocol)
	case unix.AF_NETLINK:
		if protocol == unix.NETLINK_ROUTE {
			return saying{"a list of the interfaces and routes", "reduced mode: the interfaces and routes are the whole machine's", onlyFull}
		}
		name := map[int32]string{
			unix.NETLINK_INET_DIAG: "sockets of others", unix.NETLINK_NETFILTER: "firewall", unix.NETLINK_AUDIT: "audit",
			unix.NETLINK_KOBJECT_UEVENT: "devices", unix.NETLINK_GENERIC: "generic", unix.NETLINK_XFRM: "IPsec", unix.NETLINK_CONNECTOR: "processes", unix.NETLINK_CRYPTO: "cryptography",
		}[protocol]
		if name == "" {
			name = "another kind"
		}
		return saying{"a netlink socket (" + name + ")", "built-in: of netlink no more than the cage's own routes", "the machine's settings and others' sockets are behind it"}
	}
	name := map[int32]string{
		unix.AF_PACKET: "a packet socket", unix.AF_ALG: "a socket for the kernel's cryptography (AF_ALG)", unix.AF_VSOCK: "a socket to virtual machines (vsock)",
		unix.AF_BLUETOOTH: "a Bluetooth socket", unix.AF_CAN: "a CAN socket", unix.AF_XDP: "an XDP socket", unix.AF_TIPC: "a TIPC socket", unix.AF_KEY: "an IPsec key socket",
	}[family]
	if name == "" {
		name = "a socket of an unusual family"
	}
	return saying{name, "built-in: no sockets but UNIX, TCP and UDP ones", "nothing here could judge what another kind reaches"}
}

func internetWords(kind uint64, protocol int32) saying {
	icmp := protocol == unix.IPPROTO_ICMP || protocol == unix.IPPROTO_ICMPV6
	const because = "packets of a program's own making pass by every check"
	switch {
	case icmp:
		return saying{"a socket for ICMP", "built-in: no ICMP (ping) and no raw sockets", because}
	case kind == unix.SOCK_RAW:
		return saying{"a raw socket", "built-in: no ICMP (ping) and no raw sockets", because}
	case kind == unix.SOCK_DGRAM && (protocol == 0 || protocol == unix.IPPROTO_UDP):
		return saying{"a UDP socket", "reduced mode: no UDP, also not to look up names; programs get out by the proxy that HTTPS_PROXY names", onlyFull}
	case kind == unix.SOCK_STREAM && (protocol == 0 || protocol == unix.IPPROTO_TCP):
		return saying{"a TCP socket", "reduced mode: this run began without a way out", onlyFull}
	}
	return saying{"a socket of another protocol than TCP and UDP", "built-in: no sockets but UNIX, TCP and UDP ones", "nothing here could judge what another kind reaches"}
}

// outboundDecision is what the policy itself says of TCP and UDP sockets, which a reduced
// cage refuses where it lets nothing out.
func outboundDecision(p *policy.Policy, a [6]uint64) policy.Decision {
	kind := a[1] & 0xf
	if int32(a[0]) != unix.AF_INET || kind != unix.SOCK_STREAM && kind != unix.SOCK_DGRAM || p.Network.Outbound {
		return policy.Decision{}
	}
	switch int32(a[2]) {
	case 0, unix.IPPROTO_TCP, unix.IPPROTO_UDP:
		return p.DecideName("host.invalid", 0)
	}
	return policy.Decision{}
}

// wayWords name an option of a socket.
func wayWords(a [6]uint64) saying {
	target := "an interface of the machine's for a connection"
	switch int32(a[1]) {
	case unix.IPPROTO_IP:
		target = "a route of its own for a connection"
	case unix.IPPROTO_TCP:
		target = "TLS in the kernel for a connection"
	}
	return saying{target, "reduced mode: a connection goes the way that its address says", onlyFull}
}

// requestWords name what an ioctl asks for: of a terminal, or without a target, of a file.
func requestWords(a [6]uint64) saying {
	const tiocLinux = 0x541c
	switch uint32(a[1]) {
	case unix.TIOCSTI, tiocLinux, unix.TIOCSETD, unix.TIOCCONS, unix.TIOCEXCL:
		return saying{"the terminal", "built-in: no program types into a terminal or takes it over", "what it types would be run outside the cage"}
	}
	return saying{"", "built-in: no flags, versions and snapshots of files (chattr)", "these change a file that was opened for reading only"}
}

const ruleNested = "nested: false"
