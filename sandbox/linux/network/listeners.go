//go:build linux

package network

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/egress"
	"openclaw/sandbox/linux/translate"
)

// Listeners are the sockets as Go serves them. Those that do not exist are nil.
type Listeners struct {
	TCP       net.Listener // connections elsewhere, and to each address of Options.Forward
	DNSPacket net.PacketConn
	DNSStream net.Listener
	Gateway   net.Listener

	device     *os.File // of WayTUN
	translator *translate.Translator
	forwards   []netip.AddrPort
	serving    chan struct{} // closed when the device is no longer served
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
	if l.device != nil {
		_ = l.device.Close()
		<-l.serving
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
	if err == nil && s.TUN != nil {
		err = l.takeDevice(s)
	}
	if err != nil {
		l.Close()
		return nil, &Error{Op: "use sockets of the cage", Err: err}
	}
	return l, nil
}

// takeDevice serves the device from here on.
func (l *Listeners) takeDevice(s *Sockets) error {
	all := &manyListeners{accepted: make(chan accepted), closed: make(chan struct{})}
	port := uint16(l.TCP.Addr().(*net.TCPAddr).Port) //nolint:forcetypeassert // of a TCP listener
	all.add(l.TCP)
	l.TCP = all
	for _, file := range s.Forward {
		var listener net.Listener
		if err := fileListener(file, &listener); err != nil {
			return err
		}
		l.forwards = append(l.forwards, listener.Addr().(*net.TCPAddr).AddrPort()) //nolint:forcetypeassert // of a TCP listener
		all.add(listener)
	}
	device, err := pollable(s.TUN)
	if err != nil {
		return err
	}
	l.device, l.translator, l.serving = device, translate.New(port), make(chan struct{})
	go func() {
		defer close(l.serving)
		// A device that broke carries nothing more: closed, not open.
		_ = l.translator.Serve(l.device)
	}()
	return nil
}

// pollable is a second descriptor of a device, whose reads can be ended.
func pollable(device *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(device.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), "TUN device of the cage"), nil
}

// Destination tells where a connection was going that TCP gave, as the program
// named it.
func (l *Listeners) Destination(conn net.Conn) (netip.AddrPort, error) {
	if l.translator == nil {
		return egress.OriginalDestination(conn)
	}
	local, ok := conn.LocalAddr().(*net.TCPAddr)
	remote, ok2 := conn.RemoteAddr().(*net.TCPAddr)
	if !ok || !ok2 {
		return netip.AddrPort{}, errors.New("find destination: not a TCP connection")
	}
	if address := unmapped(local.AddrPort()); slices.Contains(l.forwards, address) {
		return address, nil
	}
	return l.translator.Destination(remote.AddrPort())
}

// Source tells the program's own address of a connection or a datagram, by the
// address that it came from.
func (l *Listeners) Source(remote netip.AddrPort, udp bool) netip.AddrPort {
	if l.translator == nil {
		return remote
	}
	return l.translator.Source(remote, udp)
}

func unmapped(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

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

// manyListeners accepts from several listeners.
type manyListeners struct {
	listeners []net.Listener
	accepted  chan accepted
	closed    chan struct{}
	closing   sync.Once
}

type accepted struct {
	conn net.Conn
	err  error
}

// add starts to accept from a listener. An error of one is told once and ends
// it; net says of itself when one passes, and then it goes on.
func (m *manyListeners) add(listener net.Listener) {
	m.listeners = append(m.listeners, listener)
	go func() {
		for {
			conn, err := listener.Accept()
			select {
			case m.accepted <- accepted{conn, err}:
			case <-m.closed:
				if conn != nil {
					_ = conn.Close()
				}
				return
			}
			if errors.Is(err, net.ErrClosed) {
				return
			}
		}
	}()
}

// Accept waits for the next connection to any of them.
func (m *manyListeners) Accept() (net.Conn, error) {
	select {
	case next := <-m.accepted:
		return next.conn, next.err
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

// Close closes all of them.
func (m *manyListeners) Close() error {
	m.closing.Do(func() { close(m.closed) })
	var err error
	for _, listener := range m.listeners {
		err = errors.Join(err, listener.Close())
	}
	return err
}

// Addr is that of the first, which every connection elsewhere arrives at.
func (m *manyListeners) Addr() net.Addr { return m.listeners[0].Addr() }
