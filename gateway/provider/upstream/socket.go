package upstream

import (
	"net"
	"syscall"

	"openclaw/gateway/nonblock"
)

// socket is a connection below TLS that can be read without waiting.
type socket struct {
	net.Conn
	raw     syscall.RawConn // nil: it is no socket of the system's
	looking bool            // Read does not wait
}

func newSocket(c net.Conn) *socket {
	s := &socket{Conn: nonblock.Of(c)}
	if of, is := c.(syscall.Conn); is {
		s.raw, _ = of.SyscallConn() // it fails for one that is closed, which is of no use either
	}
	return s
}

func (s *socket) canLook() bool { return s.raw != nil }

func (s *socket) Read(p []byte) (int, error) {
	if s.looking {
		return s.look(p)
	}
	return s.Conn.Read(p)
}

// errNothing is the error of a look that finds nothing. TLS goes on after it, as after
// any that passes.
var errNothing net.Error = nothingError{}

type nothingError struct{}

func (nothingError) Error() string   { return "nothing has come" }
func (nothingError) Timeout() bool   { return true }
func (nothingError) Temporary() bool { return true }
