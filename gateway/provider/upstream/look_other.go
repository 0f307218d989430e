//go:build !unix

package upstream

import (
	"errors"
	"os"
	"time"
)

// look reads what has come, or comes within a moment: no other way is known here.
func (s *socket) look(p []byte) (int, error) {
	if err := s.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		return 0, err
	}
	n, err := s.Conn.Read(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = errNothing
	}
	if again := s.SetReadDeadline(time.Time{}); again != nil {
		return n, again
	}
	return n, err
}
