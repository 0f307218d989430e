package nonblock

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"unsafe"
)

// most is how much one call moves: 10 to 50 µs, in which its thread runs no Go.
const most = 64 << 10

// conn is a connection whose reads and writes are direct calls.
type conn struct {
	net.Conn
	in, out way
}

func newConn(c net.Conn, raw syscall.RawConn) *conn {
	made := &conn{Conn: c}
	made.in.number, made.in.wait, made.in.try = syscall.SYS_READ, raw.Read, made.in.call
	made.out.number, made.out.wait, made.out.try = syscall.SYS_WRITE, raw.Write, made.out.call
	return made
}

// way is one of a connection's two.
type way struct {
	mu     sync.Mutex // held for a whole Read or Write
	number uintptr    // of the call
	wait   func(try func(descriptor uintptr) (done bool)) error
	try    func(descriptor uintptr) (done bool)
	p      []byte
	n      uintptr
	errno  syscall.Errno
}

// call is false when there is nothing to be read, or no room.
func (w *way) call(descriptor uintptr) bool {
	for {
		//nolint:gosec // the kernel reads or writes p during the call only
		w.n, _, w.errno = syscall.RawSyscall(w.number, descriptor, uintptr(unsafe.Pointer(&w.p[0])), uintptr(len(w.p)))
		if w.errno != syscall.EINTR {
			return w.errno != syscall.EAGAIN
		}
	}
}

// move calls until something was moved, and waits between. The lock is held.
func (w *way) move(p []byte) (int, error) {
	w.p = p[:min(len(p), most)]
	err := w.wait(w.try)
	w.p = nil // the caller's again
	if err != nil {
		return 0, err
	}
	if w.errno != 0 {
		return 0, w.errno
	}
	return int(w.n), nil
}

// Read waits for what comes, and reads what has come of it.
func (c *conn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return c.Conn.Read(p)
	}
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	n, err := c.in.move(p)
	switch {
	case err != nil:
		return 0, c.failed("read", err)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// Write writes all of p, and waits for room.
func (c *conn) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return c.Conn.Write(p)
	}
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	for written := 0; ; {
		n, err := c.out.move(p[written:])
		written += n
		switch {
		case err != nil:
			return written, c.failed("write", err)
		case n == 0:
			return written, c.failed("write", io.ErrUnexpectedEOF)
		case written == len(p):
			return written, nil
		}
	}
}

// failed is err in the words of the net package.
func (c *conn) failed(op string, err error) error {
	if raw, is := errors.AsType[*net.OpError](err); is {
		err = raw.Err
	} else if errno, is := errors.AsType[syscall.Errno](err); is {
		err = os.NewSyscallError(op, errno)
	}
	return &net.OpError{Op: op, Net: c.LocalAddr().Network(), Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}
