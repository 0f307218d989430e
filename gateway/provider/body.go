package provider

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// firstRead is how many bytes are set aside on a client's word alone.
const firstRead = 1 << 20

// errGone is the end of the request's own context or connection.
var errGone = errors.New("the client left, or the gateway stopped")

// readBody reads the request to its end, which is also what makes net/http
// watch for the client's leaving. The error is errGone.
func (c *call) readBody() ([]byte, *refusal, error) {
	limit := c.handler.options.MaxBody
	tooLarge := func() *refusal {
		return refused(http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("the request's body is larger than %d bytes", limit))
	}
	length := c.request.ContentLength
	if length > limit {
		return nil, tooLarge(), nil
	}
	if c.request.Body == nil || c.request.Body == http.NoBody {
		return nil, nil, nil
	}
	size := int64(4 << 10)
	if length >= 0 {
		size = min(length, firstRead) + 1 // a byte for the read that finds the end
	}
	body := make([]byte, 0, size)
	for {
		if len(body) == cap(body) {
			body = append(body, 0)[:len(body)]
		}
		c.limitRead()
		n, err := c.request.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		c.record.BytesIn = int64(len(body))
		if int64(len(body)) > limit {
			return nil, tooLarge(), nil
		}
		if errors.Is(err, io.EOF) {
			_ = c.control.SetReadDeadline(time.Time{}) // see limitRead
			return body, nil, nil
		}
		if err != nil {
			return c.badBody(err, tooLarge())
		}
	}
}

// limitRead bounds the wait for the next piece of the body. It stays in force
// where the body is not read to its end: net/http reads the rest before the next
// request, and would wait for ever.
func (c *call) limitRead() {
	// A connection without deadlines (a test's recorder) is read without them.
	_ = c.control.SetReadDeadline(time.Now().Add(c.handler.options.BodyTimeout))
}

func (c *call) badBody(err error, tooLarge *refusal) ([]byte, *refusal, error) {
	var network net.Error
	var limited *http.MaxBytesError
	switch {
	case errors.As(err, &limited):
		return nil, tooLarge, nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		out := refused(http.StatusRequestTimeout, "slow_request", "the request's body stopped coming")
		out.again = true
		return nil, out, nil
	case errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &network), c.request.Context().Err() != nil:
		return nil, nil, errGone
	default:
		return nil, refused(http.StatusBadRequest, "bad_body", "the request's body is not well formed"), nil
	}
}
