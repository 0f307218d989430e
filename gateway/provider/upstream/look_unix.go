//go:build unix

package upstream

import (
	"io"
	"syscall"
)

// look reads what has come.
func (s *socket) look(p []byte) (n int, err error) {
	failed := s.raw.Read(func(fd uintptr) bool {
		n, err = syscall.Read(int(fd), p) // a socket of Go's does not block
		return true
	})
	switch {
	case failed != nil:
		return 0, failed
	case err == syscall.EAGAIN, err == syscall.EWOULDBLOCK:
		return 0, errNothing
	case err != nil:
		return 0, err
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}
