package gateway

import (
	"encoding/json"
	"net/http"
	"time"

	"openclaw/gateway/chat"
)

// completionWriter gives an answer in the shape of chat completions, as it comes
// or whole.
type completionWriter struct {
	writer  http.ResponseWriter
	request completion
	id      string
	created int64
	begun   bool // the stream's header is sent
}

// text gets a piece of the answer.
func (o *completionWriter) text(piece string) {
	if !o.request.Stream || piece == "" {
		return
	}
	o.begin()
	o.chunk([]object{{"index": 0, "delta": object{"content": piece}, "finish_reason": nil}}, nil)
}

func (o *completionWriter) begin() {
	if o.begun {
		return
	}
	o.begun = true
	header := o.writer.Header()
	header.Set("Content-Type", "text/event-stream; charset=utf-8")
	header.Set("Cache-Control", "no-cache")
	o.writer.WriteHeader(http.StatusOK)
	o.chunk([]object{{"index": 0, "delta": object{"role": "assistant"}, "finish_reason": nil}}, nil)
}

func (o *completionWriter) chunk(choices []object, usage object) {
	body := object{"id": o.id, "object": "chat.completion.chunk", "created": o.created, "model": o.request.Model, "choices": choices}
	if usage != nil {
		body["usage"] = usage
	}
	o.event(body)
}

func (o *completionWriter) event(body any) {
	text, _ := json.Marshal(body) // texts and numbers always encode
	o.line("data: " + string(text) + "\n\n")
}

// completionWrite bounds how long a client may leave a piece unread. Past it the
// connection is broken, and the request's context ends.
const completionWrite = time.Minute

func (o *completionWriter) line(text string) {
	control := http.NewResponseController(o.writer)
	_ = control.SetWriteDeadline(time.Now().Add(completionWrite)) // a connection without deadlines is written without them
	_, _ = o.writer.Write([]byte(text))                           // whether the client is there is told by its context
	_ = control.Flush()
	_ = control.SetWriteDeadline(time.Time{})
}

// end is the rest: the whole answer, or the end of its stream.
func (o *completionWriter) end(answer chat.Answer, fault *chat.Fault) {
	usage := object{
		"prompt_tokens": answer.Usage.Total - answer.Usage.Output, "completion_tokens": answer.Usage.Output, "total_tokens": answer.Usage.Total,
		"prompt_tokens_details": object{"cached_tokens": answer.Usage.CacheRead},
	}
	reason := "stop"
	switch answer.StopReason {
	case "length":
		reason = "length"
	case "refusal", "content_filter":
		reason = "content_filter"
	}
	switch {
	case fault != nil && !o.begun:
		status, kind := statusOfFault(fault)
		openAIRefusal(o.writer, status, kind, fault.Message)
	case fault != nil:
		_, kind := statusOfFault(fault)
		o.event(object{"error": object{"message": fault.Message, "type": kind, "param": nil, "code": nil}})
		o.line("data: [DONE]\n\n")
	case o.request.Stream:
		o.begin()
		o.chunk([]object{{"index": 0, "delta": object{}, "finish_reason": reason}}, nil)
		if o.request.StreamOptions.IncludeUsage {
			o.chunk([]object{}, usage)
		}
		o.line("data: [DONE]\n\n")
	default:
		body, _ := json.Marshal(object{ // as above
			"id": o.id, "object": "chat.completion", "created": o.created, "model": o.request.Model, "usage": usage,
			"choices": []object{{"index": 0, "message": object{"role": "assistant", "content": answer.Text}, "finish_reason": reason}},
		})
		o.writer.Header().Set("Content-Type", "application/json")
		_, _ = o.writer.Write(body) // a client that is gone needs no answer
	}
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
