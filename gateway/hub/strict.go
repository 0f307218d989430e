package hub

import (
	"bufio"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
)

// FrameError is a breach of RFC 6455 that the WebSocket library lets through.
type FrameError struct{ Breach string }

func (e *FrameError) Error() string { return "websocket: " + e.Breach }

// Strict returns a ResponseWriter to upgrade with. The connection that it hands
// out reads the headers of the client's frames along and ends with a *FrameError at
// what the library does not see: a close frame with a body of one byte, a length
// that is not written in the fewest bytes, one of more than 63 bits.
func Strict(w http.ResponseWriter) http.ResponseWriter { return strictWriter{w} }

type strictWriter struct{ http.ResponseWriter }

func (w strictWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	hijacker, is := w.ResponseWriter.(http.Hijacker)
	if !is {
		return nil, nil, errors.New("the connection cannot be taken over")
	}
	conn, buffer, err := hijacker.Hijack()
	if err != nil {
		return nil, nil, err
	}
	return &strictConn{Conn: conn}, buffer, nil
}

// longestHeader is two bytes, a length of eight and a mask of four.
const longestHeader = 14

// strictConn has one reader, as a WebSocket does.
type strictConn struct {
	net.Conn
	failed  error
	payload uint64 // bytes of the frame that are still to come
	have    int    // bytes of header
	header  [longestHeader]byte
}

func (s *strictConn) Read(p []byte) (int, error) {
	if s.failed != nil {
		return 0, s.failed
	}
	n, err := s.Conn.Read(p)
	good := s.scan(p[:n])
	if good < n {
		if good > 0 {
			return good, nil // the next call tells
		}
		return 0, s.failed
	}
	return n, err
}

// scan follows the frames in p and returns how many bytes of it stand before a
// breach.
func (s *strictConn) scan(p []byte) (good int) {
	for i := 0; i < len(p); {
		if s.payload > 0 {
			skip := min(s.payload, uint64(len(p)-i))
			s.payload -= skip
			i += int(skip)
			continue
		}
		s.header[s.have] = p[i]
		s.have++
		if breach := s.breach(); breach != "" {
			s.failed = &FrameError{Breach: breach}
			return i
		}
		i++
		if length, whole := s.length(); whole {
			s.payload, s.have = length, 0
		}
	}
	return len(p)
}

const (
	closeOpcode = 8
	length16    = 126 // the length is in the next two bytes
	length64    = 127 // the length is in the next eight
)

// breach looks at a header that has just got one more byte.
func (s *strictConn) breach() string {
	short := s.header[1] & 0x7f
	switch {
	case s.have == 2 && s.header[0]&0xf == closeOpcode && short == 1:
		return "a close frame with a body of one byte"
	case s.have == 4 && short == length16 && binary.BigEndian.Uint16(s.header[2:]) < length16:
		return "a length that is not written in the fewest bytes"
	case s.have == 10 && short == length64 && binary.BigEndian.Uint64(s.header[2:]) <= 0xffff:
		return "a length that is not written in the fewest bytes"
	case s.have == 10 && short == length64 && s.header[2]&0x80 != 0:
		return "a length of more than 63 bits"
	}
	return ""
}

// length returns the payload's, once the header is whole.
func (s *strictConn) length() (length uint64, whole bool) {
	if s.have < 2 {
		return 0, false
	}
	need, short := 2, s.header[1]&0x7f
	switch short {
	case length16:
		need += 2
	case length64:
		need += 8
	}
	if s.header[1]&0x80 != 0 {
		need += 4
	}
	if s.have < need {
		return 0, false
	}
	switch short {
	case length16:
		return uint64(binary.BigEndian.Uint16(s.header[2:])), true
	case length64:
		return binary.BigEndian.Uint64(s.header[2:]), true
	}
	return uint64(short), true
}
