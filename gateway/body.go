package gateway

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// How slowly a request's body may come. Claude Code's largest (20 MiB of pictures)
// takes 20 s over an uplink of 1 MiB/s; a modem's 5 KiB/s is still let through.
const (
	bodyPause   = 30 * time.Second // between two pieces
	bodyStart   = time.Minute      // that every body may take, however small
	slowestBody = 1 << 10          // bytes a second, beyond it
)

// slowBody bounds how long a body takes. Until somebody reads it, and where nobody
// reads on, its connection has the time of a header: net/http reads what is left of
// a body before the next request, and would wait for ever.
type slowBody struct {
	io.ReadCloser
	control *http.ResponseController
	begun   time.Time
	got     int64
}

// boundBody makes a request whose body ends in time.
func boundBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength == 0 || r.Body == nil {
		return
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(headerTimeout)) // a connection without deadlines is a test's
	r.Body = &slowBody{ReadCloser: r.Body, control: control}
}

func (b *slowBody) Read(p []byte) (int, error) {
	now := time.Now()
	if b.begun.IsZero() {
		b.begun = now
	}
	end := b.begun.Add(bodyStart + time.Duration(b.got/slowestBody)*time.Second)
	if !now.Before(end) {
		return 0, fmt.Errorf("read body: less than %d bytes a second: %w", slowestBody, os.ErrDeadlineExceeded)
	}
	if pause := now.Add(bodyPause); pause.Before(end) {
		end = pause
	}
	_ = b.control.SetReadDeadline(end) // as above
	n, err := b.ReadCloser.Read(p)
	b.got += int64(n)
	if errors.Is(err, io.EOF) {
		_ = b.control.SetReadDeadline(time.Time{}) // from here on net/http watches for the client's leaving
	}
	return n, err
}
