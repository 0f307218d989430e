package sandbox_test

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// kinds is a program that tries every other way to the network than TCP. It
// prints a line for each: the name, and what came of it.
const kinds = `
import ctypes, errno, os, socket, struct, sys
port = int(sys.argv[1])
def step(name, f):
    try:
        print(name + ":", f() or "worked")
    except OSError as e:
        print(name + ":", errno.errorcode.get(e.errno, str(e)))
def sock(*a):
    s = socket.socket(*a); s.settimeout(10); return s
def send(s, *to):
    s.sendto(b"openclaw", *to)
step("packet socket", lambda: sock(socket.AF_PACKET, socket.SOCK_RAW, 0x0300) and None)
step("raw TCP", lambda: sock(socket.AF_INET, socket.SOCK_RAW, 6) and None)
step("raw ICMP", lambda: sock(socket.AF_INET, socket.SOCK_RAW, 1) and None)
step("raw ICMPv6", lambda: sock(socket.AF_INET6, socket.SOCK_RAW, 58) and None)
step("echo request", lambda: send(sock(socket.AF_INET, socket.SOCK_DGRAM, 1), ("1.1.1.1", 0)))
step("QUIC", lambda: send(sock(socket.AF_INET, socket.SOCK_DGRAM), ("1.1.1.1", 443)))
step("IPv6 QUIC", lambda: send(sock(socket.AF_INET6, socket.SOCK_DGRAM), ("2606:4700::1111", 443)))
step("UDP to a name", lambda: send(sock(socket.AF_INET, socket.SOCK_DGRAM), (socket.gethostbyname("allowed.test"), 443)))
step("multicast", lambda: send(sock(socket.AF_INET, socket.SOCK_DGRAM), ("224.0.0.251", 5353)))
def broadcast():
    s = sock(socket.AF_INET, socket.SOCK_DGRAM); s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1); send(s, ("255.255.255.255", 67))
step("broadcast", broadcast)
step("SCTP", lambda: sock(socket.AF_INET, socket.SOCK_STREAM, 132).connect(("1.1.1.1", 80)))
step("DCCP", lambda: sock(socket.AF_INET, 6, 33) and None)
def netlink(protocol, kind, flags):
    s = sock(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
    body = struct.pack("=BBBBBBBBI", 2, 0, 0, 0, 254, 4, 0, 1, 0) if protocol == 0 else struct.pack("=BBH", 1, 0, 0)
    s.send(struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body)
    data = s.recv(4096)
    code = -struct.unpack("=i", data[16:20])[0]
    if code: raise OSError(code, "")
step("netlink route", lambda: netlink(0, 24, 0x605))
step("netfilter", lambda: netlink(12, 0x0a00, 0x405))
def option(level, name, value):
    s = sock(socket.AF_INET, socket.SOCK_STREAM); s.setsockopt(level, name, value)
step("transparent", lambda: option(0, 19, 1))
step("mark", lambda: option(1, 36, 1))
def fastopen():
    s = sock(socket.AF_INET, socket.SOCK_STREAM)
    s.sendto(b"GET / HTTP/1.0\r\nHost: allowed.test\r\n\r\n", 0x20000000, (socket.gethostbyname("allowed.test"), port))
    return s.recv(4096).split()[-1].decode()
step("fast open to a name", fastopen)
def fastopen_elsewhere():
    s = sock(socket.AF_INET, socket.SOCK_STREAM)
    s.sendto(b"GET / HTTP/1.0\r\n\r\n", 0x20000000, ("1.1.1.1", 80))
    s.recv(1)
step("fast open elsewhere", fastopen_elsewhere)
def fastopen_by(call):
    s = sock(socket.AF_INET, socket.SOCK_STREAM)
    to = (socket.gethostbyname("allowed.test"), port)
    if call == "sendmsg": s.sendmsg([b"GET / HTTP/1.0\r\n\r\n"], [], 0x20000000, to)
    elif call == "option": s.setsockopt(6, 30, 1) # TCP_FASTOPEN_CONNECT
    else: # sendmmsg: struct mmsghdr, with one sockaddr_in and one iovec
        libc = ctypes.CDLL(None, use_errno=True)
        data = ctypes.create_string_buffer(b"GET / HTTP/1.0\r\n\r\n")
        name = ctypes.create_string_buffer(struct.pack("=H", 2) + struct.pack("!H4s8x", port, socket.inet_aton(to[0])))
        vector = ctypes.create_string_buffer(struct.pack("=QQ", ctypes.addressof(data), 18))
        head = ctypes.create_string_buffer(struct.pack("=QI4xQQQQi4xI4x", ctypes.addressof(name), 16, ctypes.addressof(vector), 1, 0, 0, 0, 0))
        if libc.sendmmsg(s.fileno(), head, 1, 0x20000000) < 0: raise OSError(ctypes.get_errno(), "")
for call in "sendmsg", "sendmmsg", "option":
    step("fast open by " + call, lambda: fastopen_by(call))
def fastopen6():
    s = sock(socket.AF_INET6, socket.SOCK_STREAM)
    s.sendto(b"GET / HTTP/1.0\r\n\r\n", 0x20000000, ("2606:4700::1111", 80))
step("fast open over IPv6", fastopen6)
step("echo request over IPv6", lambda: send(sock(socket.AF_INET6, socket.SOCK_DGRAM, 58), ("2606:4700::1111", 0)))
step("QUIC to a mapped address", lambda: send(sock(socket.AF_INET6, socket.SOCK_DGRAM), ("::ffff:1.1.1.1", 443)))
step("DNS over IPv6", lambda: send(sock(socket.AF_INET6, socket.SOCK_DGRAM), ("2606:4700::1111", 53)))
step("UDP-Lite", lambda: sock(socket.AF_INET, socket.SOCK_DGRAM, 136) and None)
def connected():
    s = sock(socket.AF_INET, socket.SOCK_DGRAM); s.connect(("1.1.1.1", 443)); s.send(b"x")
step("QUIC, connected", connected)
def multipath():
    try:
        s = sock(socket.AF_INET, socket.SOCK_STREAM, 262)
    except OSError as e:
        if e.errno in (errno.EPROTONOSUPPORT, errno.ENOPROTOOPT, errno.EACCES, errno.EPERM): return "allowed"
        raise
    s.connect((socket.gethostbyname("allowed.test"), port))
    s.send(b"GET / HTTP/1.0\r\nHost: allowed.test\r\n\r\n")
    return s.recv(4096).split()[-1].decode()
step("multipath to a name", multipath)
def query():
    s = sock(socket.AF_INET, socket.SOCK_DGRAM)
    s.sendto(bytes.fromhex("000701000001000000000000") + b"\7allowed\4test\0\0\1\0\1", ("8.8.8.8", 53))
    return "answered by " + s.recvfrom(512)[1][0]
step("DNS at a server of its own", query)
`

// Nothing but TCP and DNS is there, whatever kind of socket a program opens. A
// connection cannot begin with data, which no call would announce: programs
// then connect as usual.
func TestOtherSockets(t *testing.T) {
	const python = "/usr/bin/python3"
	_, err := os.Stat(python)
	require(t, err == nil, python+" is not there")
	ways(t, func(t *testing.T, way string) {
		t.Helper()
		w := newWorld(t)
		allowed := serve(t, "allowed")
		yes := true
		w.perms.Network = &policy.Network{AllowOutbound: &yes, AllowedDomains: []string{"allowed.test"}, AllowedIPs: []string{allowed.String()}}
		_, wait := startBy(t, way, w.spec(python, "-c", kinds, strconv.Itoa(int(allowed.Port()))))
		res := wait()
		atOnce := "EPERM ENETUNREACH EACCES"
		want := map[string]string{
			"packet socket": "EPERM EACCES EAFNOSUPPORT", "raw TCP": "EPERM EACCES", "raw ICMP": "EPERM EACCES", "raw ICMPv6": "EPERM EACCES",
			"echo request": atOnce, "QUIC": atOnce, "IPv6 QUIC": atOnce, "UDP to a name": atOnce, "multicast": atOnce, "broadcast": atOnce,
			"SCTP": "EPROTONOSUPPORT EPERM EACCES ESOCKTNOSUPPORT ENETUNREACH", "DCCP": "EPROTONOSUPPORT EPERM EACCES ESOCKTNOSUPPORT",
			"netlink route": "EPERM EACCES EAFNOSUPPORT", "netfilter": "EPERM EACCES EAFNOSUPPORT EPROTONOSUPPORT",
			"transparent": "EPERM EACCES", "mark": "EPERM EACCES", "fast open to a name": "ENOTSUP EOPNOTSUPP", "fast open elsewhere": "ENOTSUP EOPNOTSUPP",
			"fast open by sendmsg": "ENOTSUP EOPNOTSUPP", "fast open by sendmmsg": "ENOTSUP EOPNOTSUPP", "fast open by option": "ENOPROTOOPT",
			"fast open over IPv6": "ENOTSUP EOPNOTSUPP", "echo request over IPv6": atOnce, "QUIC to a mapped address": atOnce, "DNS over IPv6": atOnce,
			"UDP-Lite": "EPROTONOSUPPORT", "QUIC, connected": atOnce,
			"multipath to a name": "allowed", "DNS at a server of its own": "answered by 8.8.8.8",
		}
		seen := 0
		for line := range strings.Lines(res.out) {
			name, got, ok := strings.Cut(strings.TrimSpace(line), ": ")
			expected, known := want[name]
			if !ok || !known {
				t.Errorf("unexpected line %q", line)
				continue
			}
			seen++
			if got != expected && (strings.Contains(expected, "answered") || !strings.Contains(" "+expected+" ", " "+got+" ")) {
				t.Errorf("%s: %s, want %s", name, got, expected)
			}
		}
		if seen != len(want) {
			t.Errorf("%d of %d lines; out %q, err %q", seen, len(want), res.out, res.err)
		}
	})
}

// network_access: false is no network, with the reason in each denial; so is
// allow_outbound: false beside allowed domains.
func TestNoNetworkByRule(t *testing.T) {
	needBash(t)
	no := false
	for rule, perms := range map[string]policy.Permissions{
		"network_access: false": {NetworkAccess: &no, Network: &policy.Network{AllowedDomains: []string{"allowed.test"}}},
		"allow_outbound: false": {Network: &policy.Network{AllowOutbound: &no, AllowedDomains: []string{"allowed.test"}}},
	} {
		t.Run(rule, func(t *testing.T) {
			w := newWorld(t)
			w.perms = perms
			gateway := serve(t, "gateway")
			spec := w.spec("bash", "-c", ask+`ask 127.0.0.1 $1; ask allowed.test 80; ask 192.0.2.1 80`, "bash", strconv.Itoa(int(gateway.Port())))
			spec.Gateway = gateway
			_, wait := start(t, spec)
			res := wait()
			if res.out != "gateway\n" {
				t.Errorf("out %q, err %q", res.out, res.err)
			}
			if len(res.denials) != 2 {
				t.Fatalf("denials %+v", res.denials)
			}
			for _, d := range res.denials {
				if d.Rule != rule || d.Origin.Key == "" {
					t.Errorf("denial %+v", d)
				}
			}
		})
	}
}

// Of the host's own addresses none is there, whether it is written down or a
// name leads to it.
func TestHostAddresses(t *testing.T) {
	needBash(t)
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	script, want := "", 0
	for _, address := range addresses {
		if n, ok := address.(*net.IPNet); ok && !n.IP.IsLoopback() && !n.IP.IsLinkLocalUnicast() {
			script += fmt.Sprintf("exec 9<>/dev/tcp/%s/%s && echo reached %s; ", n.IP, port, n.IP)
			want++
		}
	}
	require(t, want > 0, "this machine has no address but loopback")
	ways(t, func(t *testing.T, way string) {
		t.Helper()
		w := newWorld(t)
		yes := true
		w.perms.Network = &policy.Network{AllowOutbound: &yes}
		_, wait := startBy(t, way, w.spec("bash", "-c", script+"true"))
		if res := wait(); strings.Contains(res.out, "reached") || len(res.denials) != want {
			t.Errorf("out %q, denials %+v", res.out, res.denials)
		}
	})
}

// The probe names the kind of network that is in force, and only that.
func TestProbeNamesTheNetwork(t *testing.T) {
	ways(t, func(t *testing.T, way string) {
		t.Helper()
		shown := 0
		for _, m := range sandbox.ProbeBy(t.Context(), way).Mechanisms {
			if !m.Enforced {
				t.Errorf("%s: %s", m.Name, m.Detail)
			}
			if m.Name != "redirect" && m.Name != "tun" {
				continue
			}
			if shown++; m.Name != way || m.Detail == "" || m.Purpose == "" {
				t.Errorf("shown: %+v", m)
			}
		}
		if shown != 1 {
			t.Errorf("%d kinds are shown", shown)
		}
	})
}

// A policy that is narrower cuts a running program's connection and its
// look-ups, in either kind of network.
func TestNetworkNarrows(t *testing.T) {
	needBash(t)
	ways(t, func(t *testing.T, way string) {
		t.Helper()
		w := newWorld(t)
		listener, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		spoke, ended := make(chan struct{}), make(chan error, 1)
		go func() {
			conn, err := listener.Accept()
			if err != nil {
				ended <- err
				return
			}
			defer func() { _ = conn.Close() }()
			_, _ = conn.Read(make([]byte, 1))
			close(spoke)
			_, err = conn.Read(make([]byte, 1))
			ended <- err
		}()
		t.Cleanup(func() { _ = listener.Close() })
		_, port, _ := net.SplitHostPort(listener.Addr().String())
		yes := true
		w.perms.Network = &policy.Network{AllowOutbound: &yes, AllowedDomains: []string{"allowed.test"}, AllowedIPs: []string{listener.Addr().String()}}
		process, wait := startBy(t, way, w.spec("bash", "-c", `exec 9<>/dev/tcp/allowed.test/$0; printf x >&9; read -u 9 line; getent hosts allowed.test || echo no name`, port))
		<-spoke
		w.perms.Network.AllowedDomains = []string{"other.test"}
		change, err := process.Update(w.policy())
		if err != nil {
			t.Fatal(err)
		}
		if res := wait(); res.out != "no name\n" || len(change.Applied) == 0 {
			t.Errorf("out %q, err %q, change %+v", res.out, res.err, change)
		}
		if err := <-ended; err == nil {
			t.Error("the server's end was not cut")
		}
	})
}
