//go:build !linux

package egress

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
)

// OriginalDestination returns where a connection was going before the kernel
// redirected it. No kernel but Linux's records that.
func OriginalDestination(net.Conn) (netip.AddrPort, error) {
	return netip.AddrPort{}, errors.New("find destination: not supported on this system")
}

func isTemporary(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ECONNABORTED)
}

func isNotConnected(err error) bool { return errors.Is(err, syscall.ENOTCONN) }

func kernelCounts(net.Conn) (taken, came int64, ok bool) { return 0, 0, false }
