//go:build linux

package network

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// Sockets are the ends of a cage's network. They belong to the namespace they
// were made in, wherever the descriptors go; whoever holds them serves the
// cage. All are close-on-exec.
type Sockets struct {
	TCP       *os.File // listener for redirected connections; nil without Outbound
	DNSPacket *os.File // UDP, port 53
	DNSStream *os.File // TCP listener, port 53
	Gateway   *os.File // listener at Options.Gateway; nil without one

	// Of WayTUN: the device, whose packets package translate must serve, and a
	// listener for each address of Options.Forward that needs one.
	TUN     *os.File
	Forward []*os.File

	Way    Way    // that was taken; AnyWay without Outbound
	Reason string // why the redirect was not
}

// Close closes all of them.
func (s *Sockets) Close() {
	for _, file := range s.Files() {
		_ = file.Close()
	}
}

// Files returns the sockets that exist, in the order of the struct, for
// sending over a unix socket. They still belong to s.
func (s *Sockets) Files() []*os.File {
	var files []*os.File
	for _, file := range []*os.File{s.TCP, s.DNSPacket, s.DNSStream, s.Gateway, s.TUN} {
		if file != nil {
			files = append(files, file)
		}
	}
	return append(files, s.Forward...)
}

// FromFiles is the other end of Files: o must be what Setup got. It takes
// ownership of files, also on an error.
func FromFiles(files []*os.File, o Options) (*Sockets, error) {
	s := &Sockets{Way: o.Way}
	places := []**os.File{&s.DNSPacket, &s.DNSStream}
	if o.Outbound {
		places = append([]**os.File{&s.TCP}, places...)
	}
	if o.Gateway.IsValid() {
		places = append(places, &s.Gateway)
	}
	if o.Outbound && o.Way == WayTUN {
		s.Forward = make([]*os.File, len(ownForwards(o)))
		places = append(places, &s.TUN)
		for i := range s.Forward {
			places = append(places, &s.Forward[i])
		}
	}
	if len(files) != len(places) {
		for _, file := range files {
			_ = file.Close()
		}
		return nil, &Error{Op: "take over sockets", Err: fmt.Errorf("got %d descriptors instead of %d", len(files), len(places))}
	}
	for i, file := range files {
		*places[i] = file
	}
	return s, nil
}

// ownForwards are the addresses of o.Forward that need a listener with WayTUN:
// the others are served already.
func ownForwards(o Options) []netip.AddrPort {
	var list []netip.AddrPort
	for _, address := range o.Forward {
		if address != o.Gateway && address.Port() != dnsPort && !slices.Contains(list, address) {
			list = append(list, address)
		}
	}
	return list
}

// listen opens the sockets of the namespace beside tcp. With WayTUN queries to
// any server arrive at the device's own address, so the sockets for DNS listen
// everywhere.
func listen(o Options, tcp *os.File) (*Sockets, error) {
	s := &Sockets{}
	resolver := netip.AddrPortFrom(netip.MustParseAddr(Resolver), dnsPort)
	if o.Way == WayTUN {
		resolver = netip.AddrPortFrom(netip.IPv4Unspecified(), dnsPort)
	}
	var err error
	s.DNSPacket, err = open("DNS packets", unix.AF_INET, unix.SOCK_DGRAM, address4(resolver))
	if err == nil {
		s.DNSStream, err = open("DNS streams", unix.AF_INET, unix.SOCK_STREAM, address4(resolver))
	}
	if err == nil && o.Gateway.IsValid() {
		s.Gateway, err = open("gateway "+o.Gateway.String(), unix.AF_INET, unix.SOCK_STREAM, address4(o.Gateway))
	}
	if o.Way == WayTUN {
		for _, address := range ownForwards(o) {
			var file *os.File
			if err == nil {
				file, err = open("allowed_ips "+address.String(), unix.AF_INET, unix.SOCK_STREAM, address4(address))
			}
			if err == nil {
				s.Forward = append(s.Forward, file)
			}
		}
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	s.TCP = tcp
	return s, nil
}

// listenEverywhere opens one listener for both families at a port that the
// kernel chooses, so that no port of the cage is taken by us for good, and that
// none of others has: those are listened on as well.
func listenEverywhere(others ...netip.AddrPort) (*os.File, error) {
	for {
		file, err := open("redirected connections", unix.AF_INET6, unix.SOCK_STREAM, &unix.SockaddrInet6{})
		if errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EADDRNOTAVAIL) {
			file, err = open("redirected connections", unix.AF_INET, unix.SOCK_STREAM, &unix.SockaddrInet4{})
		}
		if err != nil {
			return nil, err
		}
		port, err := localPort(file)
		if err == nil && !slices.ContainsFunc(others, func(a netip.AddrPort) bool { return a.Port() == port }) {
			return file, nil
		}
		defer func() { _ = file.Close() }() // held until another port is found, or the kernel has no more
		if err != nil {
			return nil, err
		}
	}
}

func address4(a netip.AddrPort) *unix.SockaddrInet4 {
	return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}
}

// open makes a socket without the net package, which would ask the machine
// about IPv6 and its backlog first.
func open(name string, domain, kind int, address unix.Sockaddr) (*os.File, error) {
	fd, err := unix.Socket(domain, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, failed("open socket for "+name, err)
	}
	if domain == unix.AF_INET6 {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0)
	}
	if err == nil {
		err = unix.Bind(fd, address)
	}
	if err == nil && kind == unix.SOCK_STREAM {
		err = unix.Listen(fd, unix.SOMAXCONN)
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, failed("listen for "+name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

func localPort(file *os.File) (uint16, error) {
	address, err := unix.Getsockname(int(file.Fd()))
	if err != nil {
		return 0, failed("read listener address", err)
	}
	switch a := address.(type) {
	case *unix.SockaddrInet4:
		return uint16(a.Port), nil
	case *unix.SockaddrInet6:
		return uint16(a.Port), nil
	}
	return 0, &Error{Op: "read listener address", Err: errors.New("not an internet address")}
}
