package egress

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// OriginalDestination returns where a connection was going before the kernel
// redirected it.
func OriginalDestination(conn net.Conn) (netip.AddrPort, error) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return netip.AddrPort{}, errors.New("find destination: not a TCP connection")
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("find destination: %w", err)
	}
	ipv4 := addressOf(tcp.RemoteAddr()).Addr().Is4()
	var destination netip.AddrPort
	var optionErr error
	err = raw.Control(func(fd uintptr) { destination, optionErr = OriginalDestinationOf(int(fd), !ipv4) })
	return destination, errors.Join(err, optionErr)
}

// OriginalDestinationOf is OriginalDestination for a bare descriptor. ipv6
// says which family the connection has; one that is mapped into IPv6 has IPv4.
func OriginalDestinationOf(fd int, ipv6 bool) (netip.AddrPort, error) {
	read := originalDestination4
	if ipv6 {
		read = originalDestination6
	}
	destination, err := read(fd)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("find destination: %w", err)
	}
	return destination, nil
}

// originalDestination4 reads a sockaddr_in (family, port, address) through
// the one option reader of x/sys whose result is large enough.
func originalDestination4(fd int) (netip.AddrPort, error) {
	value, err := unix.GetsockoptIPv6Mreq(fd, unix.IPPROTO_IP, unix.SO_ORIGINAL_DST)
	if err != nil {
		return netip.AddrPort{}, err
	}
	bytes := value.Multiaddr
	address := netip.AddrFrom4([4]byte(bytes[4:8]))
	return netip.AddrPortFrom(address, uint16(bytes[2])<<8|uint16(bytes[3])), nil
}

// originalDestination6 reads a sockaddr_in6, which is what that option's
// result starts with. IP6T_SO_ORIGINAL_DST has SO_ORIGINAL_DST's number.
func originalDestination6(fd int) (netip.AddrPort, error) {
	value, err := unix.GetsockoptIPv6MTUInfo(fd, unix.IPPROTO_IPV6, unix.SO_ORIGINAL_DST)
	if err != nil {
		return netip.AddrPort{}, err
	}
	port := value.Addr.Port // in network order
	return netip.AddrPortFrom(netip.AddrFrom16(value.Addr.Addr), port<<8|port>>8), nil
}

func isTemporary(err error) bool {
	for _, passing := range []error{
		unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM, unix.ECONNABORTED, unix.ECONNREFUSED, unix.EPERM,
	} {
		if errors.Is(err, passing) {
			return true
		}
	}
	return false
}

func isNotConnected(err error) bool { return errors.Is(err, unix.ENOTCONN) }

// kernelCounts returns the bytes that the other end of a connection that we
// opened has taken, and those that came from it.
func kernelCounts(conn net.Conn) (taken, came int64, ok bool) {
	tcp, isTCP := conn.(*net.TCPConn)
	if !isTCP {
		return 0, 0, false
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return 0, 0, false
	}
	var info *unix.TCPInfo
	err = raw.Control(func(fd uintptr) { info, _ = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) })
	if err != nil || info == nil {
		return 0, 0, false
	}
	// The opening packet counts as one byte.
	return max(0, int64(info.Bytes_acked)-1), int64(info.Bytes_received), true
}
