//go:build linux

package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

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
	for _, file := range []*os.File{s.TCP, s.DNSPacket, s.DNSStream, s.Gateway} {
		if file != nil {
			files = append(files, file)
		}
	}
	return files
}

// FromFiles is the other end of Files: o must be what Setup got. It takes
// ownership of files, also on an error.
func FromFiles(files []*os.File, o Options) (*Sockets, error) {
	s := &Sockets{}
	places := []**os.File{&s.DNSPacket, &s.DNSStream}
	if o.Outbound {
		places = append([]**os.File{&s.TCP}, places...)
	}
	if o.Gateway.IsValid() {
		places = append(places, &s.Gateway)
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

// Listeners are the sockets as Go serves them. Those that do not exist are nil.
type Listeners struct {
	TCP       net.Listener
	DNSPacket net.PacketConn
	DNSStream net.Listener
	Gateway   net.Listener
}

// Close closes all of them.
func (l *Listeners) Close() {
	for _, listener := range []net.Listener{l.TCP, l.DNSStream, l.Gateway} {
		if listener != nil {
			_ = listener.Close()
		}
	}
	if l.DNSPacket != nil {
		_ = l.DNSPacket.Close()
	}
}

// Listeners turns the sockets into listeners and closes the files, also on an
// error.
func (s *Sockets) Listeners() (*Listeners, error) {
	defer s.Close()
	l := &Listeners{}
	err := errors.Join(
		fileListener(s.TCP, &l.TCP),
		fileListener(s.DNSStream, &l.DNSStream),
		fileListener(s.Gateway, &l.Gateway),
	)
	if s.DNSPacket != nil {
		packet, packetErr := net.FilePacketConn(s.DNSPacket)
		err = errors.Join(err, packetErr)
		if packetErr == nil {
			l.DNSPacket = packet
		}
	}
	if err != nil {
		l.Close()
		return nil, &Error{Op: "use sockets of the cage", Err: err}
	}
	return l, nil
}

func fileListener(file *os.File, place *net.Listener) error {
	if file == nil {
		return nil
	}
	listener, err := net.FileListener(file)
	if err != nil {
		return err
	}
	*place = listener
	return nil
}

// listen opens the sockets of the namespace.
func listen(o Options) (*Sockets, error) {
	s := &Sockets{}
	resolver := netip.AddrPortFrom(netip.MustParseAddr(Resolver), dnsPort)
	var err error
	if o.Outbound {
		s.TCP, err = listenEverywhere()
	}
	if err == nil {
		s.DNSPacket, err = open("DNS packets", unix.AF_INET, unix.SOCK_DGRAM, address4(resolver))
	}
	if err == nil {
		s.DNSStream, err = open("DNS streams", unix.AF_INET, unix.SOCK_STREAM, address4(resolver))
	}
	if err == nil && o.Gateway.IsValid() {
		s.Gateway, err = open("gateway "+o.Gateway.String(), unix.AF_INET, unix.SOCK_STREAM, address4(o.Gateway))
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// listenEverywhere opens one listener for both families at a port that the
// kernel chooses, so that no port of the cage is taken by us for good.
func listenEverywhere() (*os.File, error) {
	file, err := open("redirected connections", unix.AF_INET6, unix.SOCK_STREAM, &unix.SockaddrInet6{})
	if errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EADDRNOTAVAIL) {
		return open("redirected connections", unix.AF_INET, unix.SOCK_STREAM, &unix.SockaddrInet4{})
	}
	return file, err
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
