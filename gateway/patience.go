package gateway

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"time"
)

// How long a client may leave what it was sent unread. A piece is small against what
// the kernel keeps of it, so a client that reads at all, however slowly, gets a new
// piece's time before the old one's is over.
const (
	answerTimeout = 20 * time.Second // for a short answer, and for the end of every one
	pieceTimeout  = time.Minute      // for a piece of one that is longer than shortAnswer
	answerPiece   = 16 << 10
	shortAnswer   = 64 << 10
)

// patience bounds the wait for a client to take its answer: every write has a time,
// unless the handler has set one of its own, as a provider's stream does. It is used
// by one request, in its goroutine.
type patience struct {
	http.ResponseWriter
	control *http.ResponseController
	own     bool      // the handler has set a time
	granted time.Time // the last time that the client was given
	sent    int
	taken   bool // the connection is no longer this request's
}

// newPatience begins with a time for net/http's own "100 Continue", which it writes when
// the body is first read.
func newPatience(w http.ResponseWriter) *patience {
	p := &patience{ResponseWriter: w, control: http.NewResponseController(w)}
	_ = p.control.SetWriteDeadline(time.Now().Add(pieceTimeout)) // see extend
	return p
}

// extend gives the client the time of the next piece. A connection without deadlines
// is a test's, and is written without them.
func (p *patience) extend() {
	if p.own {
		return
	}
	wait := answerTimeout
	if p.sent > shortAnswer {
		wait = pieceTimeout
	}
	p.granted = time.Now().Add(wait)
	_ = p.control.SetWriteDeadline(p.granted) // see above
}

func (p *patience) WriteHeader(status int) {
	if status < http.StatusOK { // which is sent at once
		p.extend()
	}
	p.ResponseWriter.WriteHeader(status)
}

func (p *patience) Write(text []byte) (written int, err error) {
	for {
		piece := text[written:]
		if !p.own && len(piece) > answerPiece { // its handler's pieces are its own affair
			piece = piece[:answerPiece]
		}
		p.extend()
		n, err := p.ResponseWriter.Write(piece)
		written += n
		p.sent += n
		if err != nil || written == len(text) {
			return written, err
		}
	}
}

// FlushError is for http.ResponseController.
func (p *patience) FlushError() error {
	p.extend()
	return p.control.Flush()
}

// SetWriteDeadline is for http.ResponseController: from here on the handler says how
// long the client may take, until it sets none. Then the last time stands until the
// next write has its own: a connection is never without one.
func (p *patience) SetWriteDeadline(end time.Time) error {
	if p.own = !end.IsZero(); !p.own {
		return nil
	}
	p.granted = end
	return p.control.SetWriteDeadline(end)
}

// Hijack hands the connection over, with no time on it.
func (p *patience) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	hijacker, is := p.ResponseWriter.(http.Hijacker)
	if !is {
		return nil, nil, errors.New("the connection cannot be taken over")
	}
	conn, buffer, err := hijacker.Hijack()
	p.taken = p.taken || err == nil
	return conn, buffer, err
}

// Unwrap is for http.ResponseController.
func (p *patience) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// end bounds what net/http sends when the handler has returned. Who was given longer
// for the last piece has that for it.
func (p *patience) end() {
	if end := time.Now().Add(answerTimeout); !p.taken && !p.granted.After(end) {
		_ = p.control.SetWriteDeadline(end) // as in extend
	}
}
