package gateway

import (
	"net/http"
	"time"

	"openclaw/gateway/chat"
)

// chatStream is an answer of OpenAI's APIs that is sent as it comes.
type chatStream struct {
	writer http.ResponseWriter
	begun  bool // the header is sent
}

// start sends the header, and reports whether that was still to do.
func (o *chatStream) start() bool {
	if o.begun {
		return false
	}
	o.begun = true
	header := o.writer.Header()
	header.Set("Content-Type", "text/event-stream; charset=utf-8")
	header.Set("Cache-Control", "no-cache")
	o.writer.WriteHeader(http.StatusOK)
	return true
}

// chatWrite bounds how long a client may leave a piece unread. Past it the
// connection is broken, and the request's context ends.
const chatWrite = time.Minute

func (o *chatStream) line(text string) {
	control := http.NewResponseController(o.writer)
	_ = control.SetWriteDeadline(time.Now().Add(chatWrite)) // a connection without deadlines is written without them
	_, _ = o.writer.Write([]byte(text))                     // whether the client is there is told by its context
	_ = control.Flush()
	_ = control.SetWriteDeadline(time.Time{})
}

// statusOfFault is what a client of this API is told. A provider's 401 is about
// the gateway's key: the client would take it for its own.
func statusOfFault(fault *chat.Fault) (status int, kind string) {
	switch {
	case fault.Kind == chat.FaultContext:
		return http.StatusBadRequest, badRequest
	case fault.Kind == chat.FaultRate:
		return http.StatusTooManyRequests, "rate_limit_error"
	case fault.Kind == chat.FaultTimeout:
		return http.StatusGatewayTimeout, "api_error"
	case fault.Status >= 400 && fault.Status <= 599 && fault.Status != http.StatusUnauthorized:
		return fault.Status, "api_error"
	default:
		return http.StatusBadGateway, "api_error"
	}
}
