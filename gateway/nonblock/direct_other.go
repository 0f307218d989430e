//go:build !linux

package nonblock

import (
	"net"
	"syscall"
)

// direct is whether connections are read and written by direct calls.
const direct = false

func newConn(c net.Conn, _ syscall.RawConn) net.Conn { return c }
