package egress

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// endingOf asks the kernel for a connection's state (RFC 9293, section 3.3.2). What
// was sent before and not read does not hide it, as it does from a read.
func endingOf(conn net.Conn) ending {
	socket, is := conn.(syscall.Conn)
	if !is {
		return endingNone
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return endingNone
	}
	var info *unix.TCPInfo
	err = raw.Control(func(fd uintptr) { info, _ = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) })
	switch {
	case err != nil || info == nil:
		return endingNone
	case info.State == unix.BPF_TCP_CLOSE:
		return endingReset
	case info.State == unix.BPF_TCP_CLOSE_WAIT:
		return endingWrite
	}
	return endingNone
}
