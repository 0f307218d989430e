//go:build linux

package network

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// served is a namespace whose sockets are served as the supervisor does.
func served(o Options) (*Listeners, error) {
	sockets, err := Setup(o)
	if err != nil {
		return nil, err
	}
	return sockets.Listeners()
}

// expectArrived connects to address and expects the connection at the listener
// for connections elsewhere, with where it was going and where it came from.
func expectArrived(l *Listeners, address netip.AddrPort) error {
	client, err := net.DialTimeout("tcp", address.String(), time.Minute)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	server, err := l.TCP.Accept()
	if err != nil {
		return err
	}
	defer func() { _ = server.Close() }()
	found, err := l.Destination(server)
	if err != nil {
		return err
	}
	if unmapped(found) != address {
		return fmt.Errorf("a connection to %s arrived as one to %s", address, found)
	}
	mine := client.LocalAddr().(*net.TCPAddr).AddrPort()
	if from := unmapped(l.Source(unmapped(server.RemoteAddr().(*net.TCPAddr).AddrPort()), false)); from != mine {
		return fmt.Errorf("a connection of %s arrived as one of %s", mine, from)
	}
	// Both ways, and the end of each.
	for _, pair := range [][2]net.Conn{{client, server}, {server, client}} {
		if _, err := pair[0].Write([]byte("over")); err != nil {
			return err
		}
		if err := pair[0].(*net.TCPConn).CloseWrite(); err != nil {
			return err
		}
		if err := pair[1].SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			return err
		}
		if got, err := io.ReadAll(pair[1]); err != nil || string(got) != "over" {
			return fmt.Errorf("got %q, %w", got, err)
		}
	}
	return nil
}

// forwards: an address of the host's loopback that a policy names arrives at
// the listener; its neighbour stays the cage's own.
func forwards(way Way) error {
	database := netip.MustParseAddrPort("127.0.0.1:5432")
	gateway := netip.MustParseAddrPort("127.0.0.1:18789")
	l, err := served(Options{Outbound: true, Gateway: gateway, Forward: []netip.AddrPort{database, database, gateway}, Way: way})
	if err != nil {
		return err
	}
	defer l.Close()
	if err := expectArrived(l, database); err != nil {
		return err
	}
	if err := expectArrived(l, netip.MustParseAddrPort("192.0.2.1:443")); err != nil {
		return err
	}
	_, err = connect(unix.SOCK_STREAM, netip.MustParseAddrPort("127.0.0.1:5433"))
	return errnoIs(err, unix.ECONNREFUSED)
}

// redirects6: an IPv6 connection arrives at the listener with its destination,
// where the machine has IPv6.
func redirects6(way Way) error {
	l, err := served(Options{Outbound: true, Way: way})
	if err != nil {
		return err
	}
	defer l.Close()
	if _, err := os.Stat("/proc/net/if_inet6"); err != nil {
		return nil
	}
	return expectArrived(l, netip.MustParseAddrPort("["+elsewhere6+"]:443"))
}

// ownLoopback: programs inside talk to each other over 127.0.0.1 and ::1 as
// ever, TCP and UDP.
func ownLoopback(way Way) error {
	sockets, err := Setup(Options{Outbound: true, Way: way})
	if err != nil {
		return err
	}
	defer sockets.Close()
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		if err := talk(address); err != nil {
			return err
		}
	}
	return nil
}

// ownAddress: a program that serves on the cage's own address is reached
// there.
func ownAddress(way Way) error {
	sockets, err := Setup(Options{Outbound: true, Way: way})
	if err != nil {
		return err
	}
	defer sockets.Close()
	return talk(ownIPv4 + ":0")
}

func talk(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	file, err := listener.(*net.TCPListener).File()
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	at := listener.Addr().(*net.TCPAddr).AddrPort()
	if err := expectAccepted(file, at, nil); err != nil {
		return fmt.Errorf("tcp %s: %w", address, err)
	}
	packets, err := net.ListenPacket("udp", at.String())
	if err != nil {
		return err
	}
	defer func() { _ = packets.Close() }()
	client, err := connect(unix.SOCK_DGRAM, at)
	if err != nil {
		return err
	}
	defer client.close()
	if _, err := unix.Write(client.fd, []byte("hello")); err != nil {
		return fmt.Errorf("udp %s: %w", address, err)
	}
	if err := packets.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	_, _, err = packets.ReadFrom(make([]byte, 16))
	return err
}

// otherProtocols: ICMP, raw and other UDP packets end with an error at once,
// with and without outbound.
func otherProtocols(way Way) error {
	sockets, err := Setup(Options{Outbound: true, Way: way})
	if err != nil {
		return err
	}
	defer sockets.Close()
	for _, kind := range []struct{ domain, protocol int }{
		{unix.AF_INET, unix.IPPROTO_ICMP},
		{unix.AF_INET, 132}, // SCTP
	} {
		fd, err := unix.Socket(kind.domain, unix.SOCK_RAW|unix.SOCK_CLOEXEC, kind.protocol)
		if err != nil {
			return err
		}
		err = unix.Sendto(fd, make([]byte, 32), 0, &unix.SockaddrInet4{Addr: [4]byte{192, 0, 2, 1}})
		_ = unix.Close(fd)
		if !unreachable(err) {
			return fmt.Errorf("protocol %d: %w", kind.protocol, err)
		}
	}
	for _, address := range []string{"192.0.2.1:443", "10.0.0.1:123", "224.0.0.251:5353", "255.255.255.255:67", "[2001:db8::1]:443", "[2001:db8::1]:53"} {
		if err := expectNoPacket(netip.MustParseAddrPort(address)); err != nil {
			return fmt.Errorf("%s: %w", address, err)
		}
	}
	return nil
}

// fastOpen: a first packet with data takes the same way as any other.
func fastOpen(way Way) error {
	l, err := served(Options{Outbound: true, Way: way})
	if err != nil {
		return err
	}
	defer l.Close()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	address := &unix.SockaddrInet4{Addr: [4]byte{192, 0, 2, 1}, Port: 80}
	if err := unix.Sendto(fd, []byte("data"), unix.MSG_FASTOPEN, address); err != nil {
		return err
	}
	server, err := l.TCP.Accept()
	if err != nil {
		return err
	}
	defer func() { _ = server.Close() }()
	found, err := l.Destination(server)
	if err == nil && unmapped(found).String() != "192.0.2.1:80" {
		err = fmt.Errorf("it arrived as one to %s", found)
	}
	return err
}

// overFiles: the sockets work after they went through Files and FromFiles.
func overFiles(way Way) error {
	o := Options{Gateway: netip.MustParseAddrPort("127.0.0.1:18789"), Outbound: true, Way: way}
	sockets, err := Setup(o)
	if err != nil {
		return err
	}
	if sockets.Way != way || sockets.Reason != "" {
		return fmt.Errorf("the way is %q because of %q", sockets.Way, sockets.Reason)
	}
	taken, err := FromFiles(sockets.Files(), o)
	if err != nil {
		return err
	}
	if err := taken.Verify(o); err != nil {
		return err
	}
	listeners, err := taken.Listeners()
	if err != nil {
		return err
	}
	defer listeners.Close()
	if got := listeners.Gateway.Addr().String(); got != "127.0.0.1:18789" {
		return errors.New("gateway listener at " + got)
	}
	if listeners.TCP == nil || listeners.DNSPacket == nil || listeners.DNSStream == nil {
		return errors.New("a listener is missing")
	}
	if _, err := taken.TCP.Stat(); !errors.Is(err, os.ErrClosed) {
		return errors.New("the files were left open")
	}
	return nil
}

// boundToDevice: a program that names the way out itself gets no further.
func boundToDevice(way Way) error {
	l, err := served(Options{Outbound: true, Way: way})
	if err != nil {
		return err
	}
	defer l.Close()
	name := map[Way]string{WayRedirect: "lo", WayTUN: deviceName}[way]
	packets, err := (&net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) { failed = unix.BindToDevice(int(fd), name) })
		return errors.Join(err, failed)
	}}).ListenPacket(context.Background(), "udp4", ":0")
	if err != nil {
		return err
	}
	defer func() { _ = packets.Close() }()
	for _, to := range []string{"192.0.2.1:443", "224.0.0.251:5353", "198.19.255.255:9999"} {
		_, _ = packets.WriteTo([]byte("openclaw"), net.UDPAddrFromAddrPort(netip.MustParseAddrPort(to)))
	}
	// Whatever became of them, the way still works, and nothing came back.
	if err := expectArrived(l, netip.MustParseAddrPort("192.0.2.1:443")); err != nil {
		return err
	}
	if err := packets.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		return err
	}
	if n, from, err := packets.ReadFrom(make([]byte, 64)); err == nil {
		return fmt.Errorf("%d bytes came from %s", n, from)
	}
	return nil
}

// fewPorts: the listener for redirected connections leaves the gateway's port and
// those of allowed_ips alone, also where the kernel, of the few that it has, gives
// one of them first (the odd ones: inet_csk_find_open_port).
func fewPorts(way Way) error {
	if err := RaiseLoopback(); err != nil {
		return err
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_local_port_range", []byte("40000 40007"), 0); err != nil {
		return err
	}
	o := Options{
		Gateway: netip.MustParseAddrPort("127.0.0.1:40001"), Outbound: true, Up: true, Way: way,
		Forward: []netip.AddrPort{
			netip.MustParseAddrPort("127.0.0.1:40003"), netip.MustParseAddrPort("127.0.0.1:40005"), netip.MustParseAddrPort("127.0.0.1:40007"),
		},
	}
	sockets, err := Setup(o)
	if err != nil {
		return err
	}
	defer sockets.Close()
	if port, err := localPort(sockets.TCP); err != nil || port%2 != 0 {
		return fmt.Errorf("redirected connections at port %d: %w", port, err)
	}
	return sockets.Verify(o)
}
