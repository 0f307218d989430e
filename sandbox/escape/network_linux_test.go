package escape_test

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/policy"
)

func dialOnce(network, address string) error {
	conn, err := net.DialTimeout(network, address, 3*time.Second)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(3 * time.Second))
	if _, err := conn.Write([]byte("hello\n")); err != nil {
		return err
	}
	buffer := make([]byte, 16)
	n, err := conn.Read(buffer)
	if err != nil {
		return err
	}
	if string(buffer[:n]) != "world\n" {
		return fmt.Errorf("answered %q", buffer[:n])
	}
	return nil
}

// serve starts a service of the host's at an address.
func serve(network, address string) func(*world) {
	return func(w *world) {
		if network == "udp" || network == "udp6" {
			conn, err := net.ListenPacket(network, address)
			require(w.t, err == nil, "cannot listen at "+address)
			w.t.Cleanup(func() { _ = conn.Close() })
			go func() {
				buffer := make([]byte, 64)
				for {
					_, from, err := conn.ReadFrom(buffer)
					if err != nil {
						return
					}
					_, _ = conn.WriteTo([]byte("world\n"), from)
				}
			}()
			w.hint = conn.LocalAddr().String()
			return
		}
		listener, err := net.Listen(network, address)
		require(w.t, err == nil, "cannot listen at "+address)
		w.t.Cleanup(func() { _ = listener.Close() })
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				go func() {
					buffer := make([]byte, 64)
					_, _ = conn.Read(buffer)
					_, _ = conn.Write([]byte("world\n"))
					_ = conn.Close()
				}()
			}
		}()
		w.hint = listener.Addr().String()
	}
}

func (p place) port() string { _, port, _ := net.SplitHostPort(p.hint); return port }

// outbound lets the agent out to any name.
func outbound(then func(*world)) func(*world) {
	return func(w *world) {
		yes := true
		w.perms.NetworkAccess = &yes
		w.perms.Network = &policy.Network{AllowOutbound: &yes}
		then(w)
	}
}

func networkAttempts() []try {
	var list []try
	for _, open := range []bool{false, true} {
		with, word := func(f func(*world)) func(*world) { return f }, "without network"
		if open {
			with, word = outbound, "with network"
		}
		tcp, udp := with(serve("tcp4", "127.0.0.1:0")), with(serve("udp", "127.0.0.1:0"))
		list = append(list,
			try{name: "loopback service, " + word, prepare: tcp, run: func(p place) error { return dialOnce("tcp", p.hint) }},
			try{name: "loopback by another name, " + word, prepare: tcp, run: func(p place) error { return dialOnce("tcp", "localhost:"+p.port()) }},
			try{name: "loopback by zero, " + word, prepare: tcp, run: func(p place) error { return dialOnce("tcp", "0.0.0.0:"+p.port()) }},
			try{name: "loopback by mapped address, " + word, prepare: tcp, run: func(p place) error { return mapped(p) }},
			try{name: "loopback by another loopback address, " + word, prepare: with(serve("tcp4", "127.9.8.7:0")), run: func(p place) error { return dialOnce("tcp", p.hint) }},
			try{name: "loopback of IPv6, " + word, prepare: with(serve("tcp6", "[::1]:0")), run: func(p place) error { return dialOnce("tcp", p.hint) }},
			try{name: "own address, " + word, prepare: with(serveOwn("tcp4")), run: func(p place) error { return dialOnce("tcp", p.hint) }},
			try{name: "datagrams to own address, " + word, prepare: with(serveOwn("udp")), run: func(p place) error { return dialOnce("udp", p.hint) }},
			try{name: "datagrams to loopback, " + word, prepare: udp, run: func(p place) error { return dialOnce("udp", p.hint) }},
			try{name: "datagrams to IPv6 loopback, " + word, prepare: with(serve("udp6", "[::1]:0")), run: func(p place) error { return dialOnce("udp", p.hint) }},
			try{name: "data before the connection, " + word, prepare: tcp, run: fastOpen},
			try{name: "abstract socket, " + word, prepare: with(abstract), run: func(p place) error { return dialUnix(p.hint) }},
			try{name: "datagram to abstract socket, " + word, prepare: with(abstractPacket), run: func(p place) error { return sendUnix(p.hint) }},
		)
	}
	return list
}

// serveOwn is serve at an address of this machine that is not loopback.
func serveOwn(network string) func(*world) {
	return func(w *world) {
		address := ownAddress()
		require(w.t, address != "", "this machine has no address but loopback")
		serve(network, address+":0")(w)
	}
}

func ownAddress() string {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return ""
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() {
			return n.IP.String()
		}
	}
	return ""
}

func abstract(w *world) {
	name := "@openclaw-escape-" + strings.TrimPrefix(w.home, "/var/tmp/")
	listener, err := net.Listen("unix", name)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = listener.Close() })
	w.hint = name
}

func abstractPacket(w *world) {
	name := "@openclaw-escape-d-" + strings.TrimPrefix(w.home, "/var/tmp/")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = conn.Close() })
	w.hint = name
}

func mapped(p place) error {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	port, err := strconv.Atoi(p.port())
	if err != nil {
		return err
	}
	address := &unix.SockaddrInet6{Port: port}
	copy(address.Addr[:], net.ParseIP("::ffff:127.0.0.1").To16())
	if err := unix.Connect(fd, address); err != nil {
		return err
	}
	if _, err := unix.Write(fd, []byte("hello\n")); err != nil {
		return err
	}
	buffer := make([]byte, 16)
	n, err := unix.Read(fd, buffer)
	if err == nil && n == 0 {
		err = errors.New("closed")
	}
	return err
}

func fastOpen(p place) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	port, err := strconv.Atoi(p.port())
	if err != nil {
		return err
	}
	if err := unix.Sendto(fd, []byte("hello\n"), unix.MSG_FASTOPEN, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return err
	}
	buffer := make([]byte, 16)
	_, err = unix.Read(fd, buffer)
	return err
}
