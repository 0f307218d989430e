//go:build linux

package network

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/egress"
	"openclaw/sandbox/linux/translate"
)

// Addresses that Verify sends to. They are of documentation ranges and belong
// to nobody; nothing leaves the namespace in any case.
const (
	elsewhere4 = "192.0.2.1"
	elsewhere6 = "2001:db8::1"
)

// verifyTimeout bounds each wait of Verify, in milliseconds. Everything that is
// waited for has happened before the wait; only a set-up that does not hold
// comes near it.
const verifyTimeout = 2000

// Probe builds the network of a cage in the namespace of the calling process
// and sends through it, by the way that is given. Call it in a child of your own with a fresh user and
// net namespace, and let the child end. It returns nil when the machine can
// do all that Setup promises.
func Probe(way Way) error {
	o := Options{Gateway: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), 18789), Outbound: true, Way: way}
	sockets, err := Setup(o)
	if err != nil {
		return err
	}
	defer sockets.Close()
	return sockets.Verify(o)
}

// Verify proves, by sending, that Setup did what it promises: it connects to
// an address elsewhere, asks a server elsewhere, sends to another port, and
// connects to the gateway's endpoint. Call it in the namespace before anybody
// serves the sockets. It leaves nothing behind in them.
func (s *Sockets) Verify(o Options) (err error) {
	arrived := arrival(egress.OriginalDestinationOf)
	if s.TUN != nil {
		var stop func() error
		if arrived, stop, err = s.translate(); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	elsewhere := netip.AddrPortFrom(netip.MustParseAddr(elsewhere4), 443)
	steps := []step{
		{"verify that UDP ends at once", func() error { return expectNoPacket(elsewhere) }},
		{"verify DNS", func() error { return expectQuery(s.DNSPacket, o.Outbound) }},
		{"verify IPv6", func() error { return expectAnswered6(s.TCP, arrived) }},
	}
	if o.Outbound {
		steps = append(steps, step{"verify redirect", func() error { return expectAccepted(s.TCP, elsewhere, arrived) }})
	} else {
		steps = append(steps, step{"verify that TCP ends at once", func() error { return expectNoRoute(elsewhere) }})
	}
	if s.Gateway != nil {
		steps = append(steps, step{"verify gateway endpoint", func() error {
			return expectAccepted(s.Gateway, o.Gateway, nil)
		}})
	}
	for _, step := range steps {
		if err := step.run(); err != nil {
			return &Error{
				Op: step.op, Kind: KindUnproven, Err: err,
				Hint: "the kernel took the rules of the cage's network but does not keep to them; report the kernel's version (uname -r)",
			}
		}
	}
	return nil
}

// arrival finds where a connection was going that a listener got.
type arrival func(fd int, ipv6 bool) (netip.AddrPort, error)

// translate serves the device until stop.
func (s *Sockets) translate() (arrival, func() error, error) {
	port, err := localPort(s.TCP)
	if err != nil {
		return nil, nil, err
	}
	device, err := pollable(s.TUN)
	if err != nil {
		return nil, nil, failed("serve TUN device", err)
	}
	translator := translate.New(port)
	ended := make(chan error, 1)
	go func() { ended <- translator.Serve(device) }()
	stop := func() error {
		if err := device.SetReadDeadline(time.Unix(1, 0)); err != nil {
			return failed("let go of TUN device", err)
		}
		if err := <-ended; err != nil {
			return failed("serve TUN device", err)
		}
		return device.Close()
	}
	arrived := func(fd int, _ bool) (netip.AddrPort, error) {
		remote, err := remoteAddress(fd)
		if err != nil {
			return netip.AddrPort{}, err
		}
		return translator.Destination(remote)
	}
	return arrived, stop, nil
}

func remoteAddress(fd int) (netip.AddrPort, error) {
	name, err := unix.Getpeername(fd)
	if err != nil {
		return netip.AddrPort{}, err
	}
	switch a := name.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port)), nil
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr), uint16(a.Port)), nil
	}
	return netip.AddrPort{}, errors.New("not an internet address")
}

type step struct {
	op  string
	run func() error
}

// expectAccepted connects to address and expects the connection at listener,
// and arrived to know of it as one to that address unless it is nil.
func expectAccepted(listener *os.File, address netip.AddrPort, arrived arrival) error {
	client, err := connect(unix.SOCK_STREAM, address)
	if err != nil {
		return err
	}
	defer client.close()
	server, err := accept(listener)
	if err != nil {
		return err
	}
	defer server.close()
	if arrived == nil {
		return nil
	}
	found, err := arrived(server.fd, address.Addr().Is6())
	if err == nil && found != address {
		err = fmt.Errorf("a connection to %s arrived as one to %s", address, found)
	}
	return err
}

// expectAnswered6 expects that IPv6 has no way around: a connection is
// redirected like one of IPv4, or fails at once.
func expectAnswered6(tcp *os.File, arrived arrival) error {
	address := netip.AddrPortFrom(netip.MustParseAddr(elsewhere6), 443)
	client, err := connect(unix.SOCK_STREAM, address)
	if unreachable(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer client.close()
	if tcp == nil {
		return errors.New("a connection that must fail did not")
	}
	server, err := accept(tcp)
	if err != nil {
		return err
	}
	defer server.close()
	found, err := arrived(server.fd, true)
	if err == nil && found != address {
		err = fmt.Errorf("a connection to %s arrived as one to %s", address, found)
	}
	return err
}

func expectNoRoute(address netip.AddrPort) error {
	client, err := connect(unix.SOCK_STREAM, address)
	if err == nil {
		client.close()
		return errors.New("a connection that must fail did not")
	}
	if !unreachable(err) {
		return err
	}
	return nil
}

// unreachable reports whether an error is one that a program gets at once.
func unreachable(err error) bool {
	for _, atOnce := range []error{unix.ENETUNREACH, unix.EADDRNOTAVAIL, unix.EAFNOSUPPORT, unix.EPERM, unix.EACCES} {
		if errors.Is(err, atOnce) {
			return true
		}
	}
	return false
}

func expectNoPacket(address netip.AddrPort) error {
	client, err := connect(unix.SOCK_DGRAM, address)
	if err == nil {
		defer client.close()
		_, err = unix.Write(client.fd, []byte("openclaw"))
	}
	if err == nil {
		return errors.New("a packet was taken that nobody may send")
	}
	if !unreachable(err) {
		return err
	}
	return nil
}

// expectQuery sends a packet to the resolver, with outbound to a server
// elsewhere, expects it at the DNS socket, and expects the answer to come from
// the server that was asked: a connected socket takes no other.
func expectQuery(packets *os.File, outbound bool) error {
	server := Resolver
	if outbound {
		server = elsewhere4
	}
	client, err := connect(unix.SOCK_DGRAM, netip.AddrPortFrom(netip.MustParseAddr(server), dnsPort))
	if err != nil {
		return err
	}
	defer client.close()
	if _, err := unix.Write(client.fd, []byte("openclaw")); err != nil {
		return err
	}
	fd := int(packets.Fd())
	if err := await(fd, unix.POLLIN); err != nil {
		return err
	}
	buffer := make([]byte, 64)
	_, from, err := unix.Recvfrom(fd, buffer, unix.MSG_DONTWAIT)
	if err != nil {
		return err
	}
	if err := unix.Sendto(fd, []byte("answer"), 0, from); err != nil {
		return err
	}
	if err := await(client.fd, unix.POLLIN); err != nil {
		return err
	}
	_, err = unix.Read(client.fd, buffer)
	return err
}

// socket is a bare descriptor. Verify runs while a cage starts, where the
// poller and its goroutines would cost more than the work.
type socket struct{ fd int }

func (s socket) close() { _ = unix.Close(s.fd) }

// connect opens a socket to address. Inside the namespace the kernel answers
// before connect returns.
func connect(kind int, address netip.AddrPort) (socket, error) {
	domain := unix.AF_INET
	var to unix.Sockaddr
	if address.Addr().Is4() {
		to = address4(address)
	} else {
		domain = unix.AF_INET6
		to = &unix.SockaddrInet6{Addr: address.Addr().As16(), Port: int(address.Port())}
	}
	fd, err := unix.Socket(domain, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return socket{}, err
	}
	timeout := unix.Timeval{Sec: verifyTimeout / 1000}
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &timeout); err != nil {
		_ = unix.Close(fd)
		return socket{}, err
	}
	err = unix.Connect(fd, to)
	if errors.Is(err, unix.EINTR) {
		// A signal of Go's own ends a call that has a timeout, whatever its handler says
		// (signal(7)), and the connection is made all the same (connect(2)).
		err = connected(fd)
	}
	if err != nil {
		_ = unix.Close(fd)
		return socket{}, err
	}
	return socket{fd}, nil
}

// connected waits until a connection that is being made is there.
func connected(fd int) error {
	if err := await(fd, unix.POLLOUT); err != nil {
		return err
	}
	failed, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && failed != 0 {
		err = syscall.Errno(failed)
	}
	return err
}

func accept(listener *os.File) (socket, error) {
	if err := await(int(listener.Fd()), unix.POLLIN); err != nil {
		return socket{}, err
	}
	fd, _, err := unix.Accept4(int(listener.Fd()), unix.SOCK_CLOEXEC)
	return socket{fd}, err
}

func await(fd int, events int16) error {
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: events}}, verifyTimeout)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return err
		case n == 0:
			return errors.New("nothing arrived")
		default:
			return nil
		}
	}
}
