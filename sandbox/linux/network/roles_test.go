//go:build linux

package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// forwards: an address of the host's loopback that a policy names arrives at
// the listener; its neighbour stays the cage's own.
func forwards() error {
	database := netip.MustParseAddrPort("127.0.0.1:5432")
	o := Options{Outbound: true, Forward: []netip.AddrPort{database}}
	sockets, err := Setup(o)
	if err != nil {
		return err
	}
	defer sockets.Close()
	if err := expectAccepted(sockets.TCP, database, database); err != nil {
		return err
	}
	_, err = connect(unix.SOCK_STREAM, netip.MustParseAddrPort("127.0.0.1:5433"))
	return errnoIs(err, unix.ECONNREFUSED)
}

// redirects6: an IPv6 connection arrives at the listener with its destination,
// where the machine has IPv6.
func redirects6() error {
	sockets, err := Setup(Options{Outbound: true})
	if err != nil {
		return err
	}
	defer sockets.Close()
	if _, err := os.Stat("/proc/net/if_inet6"); err != nil {
		return nil
	}
	address := netip.MustParseAddrPort("[" + elsewhere6 + "]:443")
	return expectAccepted(sockets.TCP, address, address)
}

// ownLoopback: programs inside talk to each other over 127.0.0.1 and ::1 as
// ever, TCP and UDP.
func ownLoopback() error {
	sockets, err := Setup(Options{Outbound: true})
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
func ownAddress() error {
	sockets, err := Setup(Options{Outbound: true})
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
	if err := expectAccepted(file, at, netip.AddrPort{}); err != nil {
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
	if err := packets.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return err
	}
	_, _, err = packets.ReadFrom(make([]byte, 16))
	return err
}

// otherProtocols: ICMP, raw and other UDP packets end with an error at once,
// with and without outbound.
func otherProtocols() error {
	sockets, err := Setup(Options{Outbound: true})
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
		if err := errnoIs(err, unix.EPERM); err != nil {
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
func fastOpen() error {
	sockets, err := Setup(Options{Outbound: true})
	if err != nil {
		return err
	}
	defer sockets.Close()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	if err := unix.Sendto(fd, []byte("data"), unix.MSG_FASTOPEN, &unix.SockaddrInet4{Addr: [4]byte{192, 0, 2, 1}, Port: 80}); err != nil {
		return nil
	}
	server, err := accept(sockets.TCP)
	if err != nil {
		return err
	}
	server.close()
	return nil
}

// overFiles: the sockets work after they went through Files and FromFiles.
func overFiles() error {
	o := Options{Gateway: netip.MustParseAddrPort("127.0.0.1:18789"), Outbound: true}
	sockets, err := Setup(o)
	if err != nil {
		return err
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
