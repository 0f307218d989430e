package escape_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"net/netip"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

func itoa(n uint64) string { return strconv.FormatUint(n, 10) }

// says starts a service on the host's loopback that says one word to whoever
// connects.
func says(w *world, address, word string) string {
	listener, err := net.Listen("tcp", address)
	require(w.t, err == nil, "cannot listen at "+address)
	w.t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte(word + "\n"))
			_ = conn.Close()
		}
	}()
	return listener.Addr().String()
}

const refusedWord = "the refused service"

// twoServices allows one address of the host's loopback and not its neighbour.
func twoServices(w *world) {
	allowed, refused := says(w, "127.0.0.1:0", "the allowed service"), says(w, "127.0.0.1:0", refusedWord)
	yes := true
	w.perms.NetworkAccess = &yes
	w.perms.Network = &policy.Network{AllowOutbound: &yes, AllowedIPs: []string{allowed}}
	w.hint = allowed + " " + refused
}

func (p place) addresses() (allowed, refused string) {
	allowed, refused, _ = strings.Cut(p.hint, " ")
	return allowed, refused
}

func (p place) ports() (allowed, refused int) {
	a, b := p.addresses()
	return portOf(a), portOf(b)
}

func portOf(address string) int {
	_, text, _ := net.SplitHostPort(address)
	port, _ := strconv.Atoi(text)
	return port
}

// patience is how long an attempt waits for what comes to it by itself: outside, where
// it comes, as long as a busy machine takes.
func patience() time.Duration {
	if inside() {
		return 3 * time.Second
	}
	return 30 * time.Second // below attemptTimeout
}

// saysRefused reads the word of the service that nobody may reach.
func saysRefused(fd int) error {
	timeout := unix.NsecToTimeval(patience().Nanoseconds())
	_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout)
	buffer := make([]byte, 64)
	n, err := unix.Read(fd, buffer)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(string(buffer[:n]), refusedWord) {
		return fmt.Errorf("it said %q", buffer[:n])
	}
	return nil
}

func hears(network, address string) error {
	conn, err := net.DialTimeout(network, address, patience())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(patience()))
	buffer := make([]byte, 64)
	n, err := conn.Read(buffer)
	if err == nil && !strings.HasPrefix(string(buffer[:n]), refusedWord) {
		err = fmt.Errorf("it said %q", buffer[:n])
	}
	return err
}

// gateway gives the cage an endpoint and a neighbour of it.
func gateway(neighbour func(gateway netip.AddrPort) string) func(*world) {
	return func(w *world) {
		endpoint := netip.MustParseAddrPort(says(w, "127.0.0.1:0", "the gateway"))
		w.spec = func(s *sandbox.Spec) { s.Gateway = endpoint }
		w.hint = says(w, neighbour(endpoint), refusedWord)
	}
}

// hostNetworkAttempts reach the host's network by its edges.
func hostNetworkAttempts() []try {
	query := []byte{0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 6, 's', 'e', 'c', 'r', 'e', 't', 6, 't', 'u', 'n', 'n', 'e', 'l', 4, 't', 'e', 's', 't', 0, 0, 1, 0, 1}
	return []try{
		{name: "neighbour of an allowed port", prepare: twoServices, run: func(p place) error { _, refused := p.addresses(); return hears("tcp", refused) }},
		{name: "neighbour of an allowed port by a mapped address", prepare: twoServices, run: func(p place) error {
			_, refused := p.ports()
			fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM, 0)
			if err != nil {
				return err
			}
			if err := unix.Connect(fd, &unix.SockaddrInet6{Port: refused, Addr: [16]byte{10: 0xff, 11: 0xff, 12: 127, 15: 1}}); err != nil {
				return err
			}
			return saysRefused(fd)
		}},
		{name: "allowed port at another loopback address", prepare: func(w *world) {
			twoServices(w)
			allowed, _ := w.addresses()
			w.hint = allowed + " " + says(w, "127.0.0.9:"+strconv.Itoa(portOf(allowed)), refusedWord)
		}, run: func(p place) error { _, refused := p.addresses(); return hears("tcp", refused) }},
		{name: "allowed port of the other family", prepare: func(w *world) {
			twoServices(w)
			allowed, _ := w.addresses()
			w.hint = allowed + " " + says(w, "[::1]:"+strconv.Itoa(portOf(allowed)), refusedWord)
		}, run: func(p place) error { _, refused := p.addresses(); return hears("tcp", refused) }},
		{name: "datagram to an allowed port", prepare: func(w *world) {
			twoServices(w)
			allowed, _ := w.addresses()
			serve("udp", allowed)(w)
		}, run: func(p place) error { return dialOnce("udp", p.hint) }},
		{name: "neighbour of the gateway's port", prepare: gateway(func(netip.AddrPort) string { return "127.0.0.1:0" }), run: func(p place) error { return hears("tcp", p.hint) }},
		{name: "gateway's port at another address", prepare: gateway(func(g netip.AddrPort) string { return "127.0.0.7:" + strconv.Itoa(int(g.Port())) }), run: func(p place) error { return hears("tcp", p.hint) }},
		{name: "gateway's port of the other family", prepare: gateway(func(g netip.AddrPort) string { return "[::1]:" + strconv.Itoa(int(g.Port())) }), run: func(p place) error { return hears("tcp", p.hint) }},
		{name: "data before the connection, by option", prepare: twoServices, run: func(p place) error {
			_, refused := p.ports()
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
			if err != nil {
				return err
			}
			if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_FASTOPEN_CONNECT, 1); err != nil {
				return err
			}
			if err := unix.Connect(fd, &unix.SockaddrInet4{Port: refused, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
				return err
			}
			if _, err := unix.Write(fd, []byte("x")); err != nil {
				return err
			}
			return saysRefused(fd)
		}},
		{name: "data before the connection, by many messages", prepare: twoServices, run: func(p place) error {
			_, refused := p.ports()
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
			if err != nil {
				return err
			}
			if err := unix.Sendmsg(fd, []byte("x"), nil, &unix.SockaddrInet4{Port: refused, Addr: [4]byte{127, 0, 0, 1}}, unix.MSG_FASTOPEN); err != nil {
				return err
			}
			return saysRefused(fd)
		}},
		{name: "connection without waiting", prepare: twoServices, run: func(p place) error {
			_, refused := p.ports()
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
			if err != nil {
				return err
			}
			if err := unix.Connect(fd, &unix.SockaddrInet4{Port: refused, Addr: [4]byte{127, 0, 0, 1}}); err != nil && !errors.Is(err, unix.EINPROGRESS) {
				return err
			}
			if _, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, 3000); err != nil {
				return err
			}
			if err := unix.SetNonblock(fd, false); err != nil {
				return err
			}
			return saysRefused(fd)
		}},
		{name: "query to a server of one's own", root: true, prepare: queried("udp"), check: asked("udp"), run: func(p place) error {
			conn, err := net.Dial("udp", p.hint)
			if err != nil {
				return err
			}
			_, err = conn.Write(query)
			return exitNow(err)
		}},
		{name: "query by stream to a server of one's own", root: true, prepare: queried("tcp"), check: asked("tcp"), run: func(p place) error {
			conn, err := net.DialTimeout("tcp", p.hint, 3*time.Second)
			if err != nil {
				return err
			}
			framed := binary.BigEndian.AppendUint16(nil, uint16(len(query)))
			_, err = conn.Write(append(framed, query...))
			return exitNow(err)
		}},
		{name: "bind to the host's interface", root: true, prepare: func(w *world) { w.hint = ownInterface() }, run: func(p place) error {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
			if err != nil {
				return err
			}
			return unix.BindToDevice(fd, p.hint)
		}},
		{name: "mark packets", spaces: true, run: option(unix.SOL_SOCKET, unix.SO_MARK, 1)},
		{name: "transparent socket", spaces: true, run: option(unix.IPPROTO_IP, unix.IP_TRANSPARENT, 1)},
		{name: "repair a connection", spaces: true, run: option(unix.IPPROTO_TCP, unix.TCP_REPAIR, 1)},
		{name: "larger buffers than the machine allows", root: true, run: option(unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 1<<20)},
		{name: "addresses of the host", prepare: func(w *world) {
			w.hint = ownAddress()
			require(w.t, w.hint != "", "this machine has no address but loopback")
		}, run: func(p place) error {
			addresses, err := net.InterfaceAddrs()
			if err != nil {
				return err
			}
			for _, address := range addresses {
				if strings.HasPrefix(address.String(), p.hint+"/") {
					return nil
				}
			}
			return errors.New("not among them")
		}},
		{name: "connections of the host", prepare: func(w *world) { w.hint = says(w, "127.0.0.1:0", "x") }, run: func(p place) error {
			text, err := os.ReadFile("/proc/net/tcp")
			if err == nil && !strings.Contains(string(text), fmt.Sprintf(":%04X", portOf(p.hint))) {
				err = errors.New("it is not listed")
			}
			return err
		}},
		{name: "named sockets of the host", prepare: abstract, run: func(p place) error {
			text, err := os.ReadFile("/proc/net/unix")
			if err == nil && !strings.Contains(string(text), p.hint) {
				err = errors.New("it is not listed")
			}
			return err
		}},
		{name: "service that the host can reach", prepare: func(w *world) {
			while(w, func() {
				text, err := os.ReadFile(w.path("project/port"))
				if err != nil {
					return
				}
				if conn, err := net.DialTimeout("tcp", "127.0.0.1:"+string(text), time.Second); err == nil {
					_ = conn.Close()
				}
			})
		}, run: func(p place) error {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			if err := os.WriteFile(p.path("project/port.new"), []byte(strconv.Itoa(portOf(listener.Addr().String()))), 0o600); err != nil {
				return err
			}
			if err := os.Rename(p.path("project/port.new"), p.path("project/port")); err != nil {
				return err
			}
			_ = listener.(*net.TCPListener).SetDeadline(time.Now().Add(patience() / 3))
			conn, err := listener.Accept()
			if err == nil {
				_ = conn.Close()
			}
			return err
		}},
		{name: "packets to everyone nearby", run: func(place) error {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
			if err != nil {
				return err
			}
			return unix.Sendto(fd, []byte("x"), 0, &unix.SockaddrInet4{Port: 9, Addr: [4]byte{224, 0, 0, 251}})
		}},
		{name: "echo request to the host", root: true, prepare: func(w *world) {
			w.hint = ownAddress()
			require(w.t, w.hint != "", "this machine has no address but loopback")
		}, run: func(p place) error {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP)
			if err != nil {
				if fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_ICMP); err != nil {
					return err
				}
			}
			echo := []byte{8, 0, 0xf7, 0xfd, 0, 1, 0, 1}
			if err := unix.Sendto(fd, echo, 0, &unix.SockaddrInet4{Addr: netip.MustParseAddr(p.hint).As4()}); err != nil {
				return err
			}
			_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 1})
			_, err = unix.Read(fd, make([]byte, 128))
			return err
		}},
		{name: "families of sockets, one after the other", run: func(place) error {
			last := error(unix.EAFNOSUPPORT)
			for family := range 64 {
				switch family {
				case unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK:
					continue
				}
				for _, kind := range []int{unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_RAW, unix.SOCK_SEQPACKET} {
					fd, err := unix.Socket(family, kind, 0)
					if err == nil {
						_ = unix.Close(fd)
						return nil
					}
					last = err
				}
			}
			return last
		}},
		{name: "messages of devices", run: socketOf(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_KOBJECT_UEVENT)},
		{name: "messages of the audit", run: socketOf(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_AUDIT)},
		{name: "connector of processes", run: socketOf(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_CONNECTOR)},
		{name: "tables of keys for packets", run: socketOf(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_XFRM)},
		{name: "datagrams of another kind", run: socketOf(unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_UDPLITE)},
	}
}

func option(level, name, value int) func(place) error {
	return func(place) error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		return unix.SetsockoptInt(fd, level, name, value)
	}
}

// queried is a name server of the attacker's, at the host's own address.
func queried(network string) func(*world) {
	return func(w *world) {
		yes := true
		w.perms.NetworkAccess = &yes
		w.perms.Network = &policy.Network{AllowOutbound: &yes, AllowedDomains: []string{"example.test"}}
		address := ownAddress()
		require(w.t, address != "", "this machine has no address but loopback")
		w.hint = net.JoinHostPort(address, "53")
		note := func(got []byte) {
			switch text := string(got); {
			case strings.Contains(text, "secret"):
				_ = os.WriteFile(w.path("other/query"), nil, 0o600)
			case strings.Contains(text, lastQuery):
				_ = os.WriteFile(w.path("other/last"), nil, 0o600)
			}
		}
		if network == "udp" {
			conn, err := net.ListenPacket("udp", w.hint)
			if err != nil {
				w.t.Skip("port 53 is taken: " + err.Error())
			}
			w.t.Cleanup(func() { _ = conn.Close() })
			go func() {
				buffer := make([]byte, 512)
				for {
					n, _, err := conn.ReadFrom(buffer)
					if err != nil {
						return
					}
					note(buffer[:n])
				}
			}()
			return
		}
		listener, err := net.Listen("tcp", w.hint)
		if err != nil {
			w.t.Skip("port 53 is taken: " + err.Error())
		}
		w.t.Cleanup(func() { _ = listener.Close() })
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				buffer := make([]byte, 512)
				n, _ := conn.Read(buffer)
				note(buffer[:n])
				_ = conn.Close()
			}
		}()
	}
}

// lastQuery is the test's own, sent when the attempt is over.
const lastQuery = "nothing else follows"

// asked holds when the attempt's query reached the name server, which answers
// in turn: once it has the test's own query, it has seen all that came before.
func asked(network string) func(*world) error {
	return func(w *world) error {
		conn, err := net.DialTimeout(network, w.hint, 10*time.Second)
		if err == nil {
			_, err = conn.Write([]byte(lastQuery))
			defer func() { _ = conn.Close() }()
		}
		if err != nil {
			w.t.Fatalf("the name server cannot be asked: %v", err)
		}
		for deadline := time.Now().Add(time.Minute); appeared("other/last")(w) != nil; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				w.t.Fatal("the name server does not answer")
			}
		}
		return appeared("other/query")(w)
	}
}

func ownInterface() string {
	interfaces, err := net.Interfaces()
	if err != nil {
		return ""
	}
	for _, one := range interfaces {
		if one.Flags&net.FlagLoopback == 0 && one.Flags&net.FlagUp != 0 {
			return one.Name
		}
	}
	return ""
}
