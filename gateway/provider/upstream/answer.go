package upstream

import (
	"errors"
	"io"
	"time"
)

// answer is what is left of an exchange when its header is there: the answer's body.
type answer struct {
	conn   *conn
	body   io.Reader
	still  func() bool // ends the watch of the request's context; false: it has ended
	writes chan error  // of a request that is written beside the reading; nil: it is written
	closes bool        // the connection is for this answer only
	over   bool
}

// Read gives the connection back at the answer's end.
func (a *answer) Read(p []byte) (int, error) {
	if a.over {
		return 0, io.EOF
	}
	n, err := a.body.Read(p)
	if err != nil {
		a.end(errors.Is(err, io.EOF))
	}
	return n, err
}

// Close closes the connection of an answer that was not read to its end.
func (a *answer) Close() error {
	a.end(false)
	return nil
}

// end gives the connection back, or closes it. whole: the answer was read to its end.
func (a *answer) end(whole bool) {
	if a.over {
		return
	}
	a.over = true
	c := a.conn
	if a.still() && whole && !a.closes && a.wrote() {
		c.transport.idle.put(c)
		return
	}
	c.Close()
}

// wrote reports whether the request was written whole.
func (a *answer) wrote() bool {
	if a.writes == nil {
		return true
	}
	select {
	case err := <-a.writes:
		return err == nil
	default:
	}
	timer := time.NewTimer(writeWait)
	defer timer.Stop()
	select {
	case err := <-a.writes:
		return err == nil
	case <-timer.C:
		return false
	}
}

// writeError is why the request was not written, as far as is known; its connection is
// closed.
func (a *answer) writeError() error {
	if a.writes == nil {
		return nil
	}
	return <-a.writes
}
