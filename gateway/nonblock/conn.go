package nonblock

import (
	"net"
	"syscall"
)

// Of is c, to be read and written by direct calls where that is possible. It keeps c.
func Of(c net.Conn) net.Conn {
	if !direct {
		return c
	}
	switch of := c.(type) { // these alone: one that embeds them may do more in its calls
	case *net.TCPConn:
		return wrap(of, of.SyscallConn)
	case *net.UnixConn:
		return wrap(of, of.SyscallConn)
	}
	return c
}

func wrap(c net.Conn, socket func() (syscall.RawConn, error)) net.Conn {
	raw, err := socket()
	if err != nil { // it is closed: every call says so
		return c
	}
	return newConn(c, raw)
}

// Listen accepts from l connections as Of gives them.
func Listen(l net.Listener) net.Listener { return listener{l} }

type listener struct{ net.Listener }

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return Of(c), nil
}
