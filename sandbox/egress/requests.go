package egress

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strconv"
	"time"
)

// window is what was read from a program and has not gone out yet.
type window struct {
	conn  net.Conn
	data  []byte
	fresh int // of the last read
}

// more reads more bytes behind those that are there, at most up to maxOpening.
func (w *window) more() error {
	if len(w.data) >= maxOpening {
		return errTooLong
	}
	if len(w.data) == cap(w.data) {
		grown := make([]byte, len(w.data), min(max(4096, 4*cap(w.data)), maxOpening))
		copy(grown, w.data)
		w.data = grown
	}
	n, err := w.conn.Read(w.data[len(w.data):cap(w.data)])
	w.data, w.fresh = w.data[:len(w.data)+n], n
	if n > 0 {
		return nil
	}
	return err
}

// nothingNew reports that the last bytes cannot change what the start of a
// request is: past largeHead that needs the end of a line. Otherwise somebody
// who sends byte by byte would make us read everything again for each.
func (w *window) nothingNew() bool {
	return len(w.data) > largeHead && !isRecord(w.data[0]) && bytes.IndexByte(w.data[len(w.data)-w.fresh:], '\n') < 0
}

const largeHead = 4096

// blank reports that no request has begun: some clients send an empty line behind one
// (RFC 9112, section 2.2) and then nothing for as long as they like.
func (w *window) blank() bool { return len(bytes.Trim(w.data, "\r\n")) == 0 }

// isEnd reports that the program sends no more.
func isEnd(err error) bool { return errors.Is(err, io.EOF) }

var errTooLong = errors.New("too long")

// requests carries HTTP/1 from the cage: each request of a connection is
// judged like the first, and goes out only then. first is what readStart found
// at the start of w.
func (e *Egress) requests(s *stream, w *window, first opening) error {
	found := first
	for {
		if err := w.send(s, found.size); err != nil {
			return err
		}
		err := e.requestBody(s, w, found)
		if errors.Is(err, errOpaque) {
			return e.others(s, w)
		}
		if err != nil {
			return err
		}
		if found, err = e.nextRequest(s, w); err != nil {
			return err
		}
		if found.kind != firstHTTP {
			return e.finish(s, w)
		}
	}
}

// send writes the first n bytes of the window to the server.
func (w *window) send(s *stream, n int) error {
	written, err := s.server.Write(w.data[:n])
	s.sent.Add(int64(written))
	if err != nil {
		return plain(err)
	}
	w.data = w.data[:copy(w.data, w.data[n:])]
	return nil
}

// nextRequest waits for the next head and judges it. The kind is firstOther at
// the end of the connection.
func (e *Egress) nextRequest(s *stream, w *window) (opening, error) {
	timed := false
	for {
		found := readRequestHead(w.data)
		switch found.kind {
		case firstUnknown:
		case firstHTTP:
			if other, ok := found.asksFor(s.where.host); !ok {
				return found, e.wrongStart(s, startWord(found.kind)+" "+printable(other)+" is not "+s.where.host)
			}
			return found, s.client.SetReadDeadline(time.Time{})
		case firstBroken:
			return found, e.wrongStart(s, found.reason)
		case firstOther, firstTLS, firstHTTP2:
			return found, e.wrongStart(s, "bytes behind an HTTP request that are not another one")
		}
		if !w.blank() && !timed {
			if err := s.client.SetReadDeadline(time.Now().Add(e.openingTimeout)); err != nil {
				return found, err
			}
			timed = true
		}
		err := w.more()
		for err == nil && timed && w.nothingNew() {
			err = w.more()
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF) && w.blank():
			return opening{kind: firstOther}, nil
		case w.blank() && !errors.Is(err, errTooLong):
			return found, plain(err)
		default:
			return found, e.wrongStart(s, "the start of an HTTP request that does not end")
		}
	}
}

// finish passes on that the program sends no more.
func (e *Egress) finish(s *stream, w *window) error {
	return e.forward(s.server, eof{}, w.data, &s.sent)
}

// eof is a connection that has ended.
type eof struct{ net.Conn }

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

// errOpaque says that what follows is not HTTP/1.
var errOpaque = errors.New("not a request")

// requestBody carries what follows a head up to its end.
func (e *Egress) requestBody(s *stream, w *window, found opening) error {
	switch found.body {
	case bodyNone:
	case bodyLength:
		return e.carryBytes(s, w, found.length)
	case bodyChunked:
		return e.chunks(s, w)
	case bodySwitch:
		// A server that does not change the protocol takes what follows for a
		// request, if it looks like one; so it is judged as one here. What does
		// not (a WebSocket frame, a TLS record) ends such a conversation.
		for len(bytes.TrimLeft(w.data, "\r\n")) == 0 {
			if err := w.more(); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return plain(err)
			}
		}
		if next := bytes.TrimLeft(w.data, "\r\n")[0]; !inMethod(next) && next != ' ' && next != '\t' {
			return errOpaque
		}
	}
	return nil
}

// carryBytes carries n bytes: what was read already, and the rest as the kernel
// moves it best.
func (e *Egress) carryBytes(s *stream, w *window, n int64) error {
	here := int(min(n, int64(len(w.data))))
	if err := w.send(s, here); err != nil {
		return err
	}
	if n -= int64(here); n == 0 {
		return nil
	}
	if err := e.transfer(s.server, s.client, n, &s.sent); err != nil {
		return plain(err)
	}
	return nil
}

// chunks carries a chunked body (RFC 9112, section 7.1), its extensions and
// trailers included. Lines end with a carriage return and a newline, or the
// connection ends: servers differ about anything else.
func (e *Egress) chunks(s *stream, w *window) error {
	for {
		line, err := e.bodyLine(s, w)
		if err != nil {
			return err
		}
		digits, _, _ := bytes.Cut(line, []byte(";"))
		size, err := strconv.ParseUint(string(bytes.TrimRight(digits, " \t")), 16, 62)
		if err != nil || line[0] == '+' {
			return e.wrongStart(s, "an HTTP request with a chunk that cannot be read")
		}
		if err := w.send(s, len(line)+2); err != nil {
			return err
		}
		if size == 0 {
			return e.trailers(s, w)
		}
		if err := e.carryBytes(s, w, int64(size)); err != nil {
			return err
		}
		end, err := e.bodyLine(s, w)
		if err != nil {
			return err
		}
		if len(end) != 0 {
			return e.wrongStart(s, "an HTTP request with a chunk that is longer than it says")
		}
		if err := w.send(s, 2); err != nil {
			return err
		}
	}
}

func (e *Egress) trailers(s *stream, w *window) error {
	for total := 0; total <= maxOpening; {
		line, err := e.bodyLine(s, w)
		if err != nil {
			return err
		}
		length := len(line) + 2
		if err := w.send(s, length); err != nil {
			return err
		}
		if length == 2 {
			return nil
		}
		total += length
	}
	return e.wrongStart(s, "an HTTP request with trailers that do not end")
}

// bodyLine waits for a whole line at the start of the window, and returns it
// without its end.
func (e *Egress) bodyLine(s *stream, w *window) ([]byte, error) {
	for {
		if end := bytes.IndexByte(w.data, '\n'); end >= 0 {
			line, ok := bytes.CutSuffix(w.data[:end], []byte("\r"))
			if !ok || bytes.IndexByte(line, '\r') >= 0 {
				return nil, e.wrongStart(s, "an HTTP request with a line of its body that cannot be read")
			}
			return line, nil
		}
		switch err := w.more(); {
		case errors.Is(err, errTooLong):
			return nil, e.wrongStart(s, "an HTTP request with a line of its body that does not end")
		case err != nil:
			return nil, plain(err)
		}
	}
}
