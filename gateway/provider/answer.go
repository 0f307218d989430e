package provider

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
)

// answer is a provider's response on its way back.
type answer struct {
	call      *call
	response  *http.Response
	mask      *mask
	watch     *time.Timer  // stopped; its end cancels the upstream request
	cancelled func() error // why the upstream request was, if it was
	path      string

	untilClose bool // nothing but the connection's end tells the answer's

	deadline time.Time // of writes to the client
	last     [4]byte   // of what was sent, for the end of an event
}

// give sends the answer to the client as it comes.
func (a *answer) give() {
	c, status := a.call, a.response.StatusCode
	switch {
	case status < http.StatusOK || status > 999:
		c.refuse(refused(http.StatusBadGateway, "bad_answer", "the provider's answer is not HTTP as it should be"))
		return
	case status >= 300 && status < 400 && a.response.Header.Get("Location") != "":
		c.refuse(refused(http.StatusBadGateway, "redirected", c.record.Provider+" answers with a redirect ("+strconv.Itoa(status)+"), which is not followed: its base_url in the config is not its API's"))
		return
	case status == http.StatusUnauthorized:
		c.record.Error = "the provider does not accept the key: openclaw secrets set " + c.record.Provider
	}
	costs := status < http.StatusMultipleChoices && (c.use == useGenerates || c.use == useUnknown)
	// Only the end of the connection ends such an answer, as it does a cut one.
	a.untilClose = a.response.ContentLength < 0 && len(a.response.TransferEncoding) == 0 && c.request.Method != http.MethodHead
	if costs || a.untilClose {
		c.meter, c.costs = newMeter(a.response.Header), costs
	}
	giveBack(c.writer.Header(), a.response.Header, a.mask)
	c.record.Status = status
	c.writer.WriteHeader(status)
	if a.response.ContentLength < 0 {
		a.flush() // a stream's header must not wait for its first event
	}
	a.copy()
	if c.record.FirstByte == 0 {
		c.record.FirstByte = a.since()
	}
}

func (a *answer) since() time.Duration {
	return a.call.handler.options.Now().Sub(a.call.record.Started)
}

// copy passes the body on, each piece at once.
func (a *answer) copy() {
	c := a.call
	space, _ := c.handler.buffers.Get().(*[bufferSize]byte) // the pool holds nothing else
	used := 0
	defer func() {
		clear(space[:used]) // the key may have been in it
		c.handler.buffers.Put(space)
	}()
	// A connection without deadlines (a test's recorder) is written without them.
	defer func() { _ = c.control.SetWriteDeadline(time.Time{}) }()
	left := a.response.ContentLength
	held := 0 // bytes at the buffer's start that may be the key's beginning
	for {
		a.watch.Reset(c.handler.options.IdleTimeout)
		n, err := a.response.Body.Read(space[held:])
		a.watch.Stop()
		if n > 0 && c.record.FirstByte == 0 {
			c.record.FirstByte = a.since()
		}
		left -= int64(n)
		full := held + n
		used = max(used, full)
		held = a.mask.cover(space[:full])
		ended := errors.Is(err, io.EOF)
		if ended {
			a.mask.rest(space[full-held : full])
			held = 0 // nothing more comes that could complete it
		}
		if full > held {
			a.write(space[:full-held])
			if left != 0 {
				a.flush() // with nothing left, the server does it at once
			}
			if c.meter != nil {
				c.meter.add(space[:full-held])
			}
			copy(space[:], space[full-held:full])
		}
		switch {
		case ended:
			if a.untilClose {
				if c.meter.stop(); c.meter.cut() {
					c.abort("the provider broke off in the middle of its answer")
				}
			}
			c.whole = true
			return
		case err != nil:
			a.broken(held)
			return
		}
	}
}

func (a *answer) write(b []byte) {
	c := a.call
	if now := time.Now(); a.deadline.Sub(now) < c.handler.options.IdleTimeout/2 { // a stream writes often
		a.deadline = now.Add(c.handler.options.IdleTimeout)
		_ = c.control.SetWriteDeadline(a.deadline) // see copy
	}
	n, err := c.writer.Write(b)
	c.record.BytesOut += int64(n)
	if err != nil {
		c.abort("the client left or stopped reading")
	}
	for _, last := range b[max(0, len(b)-len(a.last)):] {
		copy(a.last[:], a.last[1:])
		a.last[len(a.last)-1] = last
	}
}

func (a *answer) flush() {
	if err := a.call.control.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		a.call.abort("the client left or stopped reading")
	}
}

// broken ends an answer that did not come to its end.
func (a *answer) broken(held int) {
	c := a.call
	if c.request.Context().Err() != nil {
		c.abort(errGone.Error())
	}
	why := refused(http.StatusGatewayTimeout, "provider_silent", "the provider fell silent in the middle of its answer")
	if lost, is := errors.AsType[*lostError](a.cancelled()); is {
		why = lost.refusal()
	} else if !errors.Is(a.cancelled(), errSilent) {
		c.abort("the provider broke off in the middle of its answer")
	}
	if held > 0 || !a.betweenEvents() {
		c.abort(why.message) // a last event cannot be put behind half of another one
	}
	a.write(why.event(c.kind, a.path))
	a.flush()
	c.record.Error = why.message
}

// betweenEvents reports whether a whole event was the last thing sent.
func (a *answer) betweenEvents() bool {
	if mediaOf(a.response.Header) != "text/event-stream" || a.response.ContentLength >= 0 || a.response.Header.Get("Content-Encoding") != "" {
		return false
	}
	return a.call.record.BytesOut == 0 || bytes.HasSuffix(a.last[:], []byte("\n\n")) || bytes.Equal(a.last[:], []byte("\r\n\r\n")) || bytes.HasSuffix(a.last[:], []byte("\r\r"))
}
