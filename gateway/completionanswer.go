package gateway

import (
	"encoding/json"

	"openclaw/gateway/chat"
)

// completionWriter gives an answer in the shape of chat completions, as it comes
// or whole.
type completionWriter struct {
	chatStream
	request *completion
	run     string
	created int64
}

func (o *completionWriter) id() string { return o.run }

// text gets a piece of the answer.
func (o *completionWriter) text(piece string) {
	if !o.request.Stream || piece == "" {
		return
	}
	o.begin()
	o.chunk([]object{{"index": 0, "delta": object{"content": piece}, "finish_reason": nil}}, nil)
}

func (o *completionWriter) begin() {
	if !o.start() {
		return
	}
	o.chunk([]object{{"index": 0, "delta": object{"role": "assistant"}, "finish_reason": nil}}, nil)
}

func (o *completionWriter) chunk(choices []object, usage object) {
	body := object{"id": o.run, "object": "chat.completion.chunk", "created": o.created, "model": o.request.Model, "choices": choices}
	if usage != nil {
		body["usage"] = usage
	}
	o.event(body)
}

func (o *completionWriter) event(body any) {
	text, _ := json.Marshal(body) // texts and numbers always encode
	o.line("data: " + string(text) + "\n\n")
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
			"id": o.run, "object": "chat.completion", "created": o.created, "model": o.request.Model, "usage": usage,
			"choices": []object{{"index": 0, "message": object{"role": "assistant", "content": answer.Text}, "finish_reason": reason}},
		})
		o.writer.Header().Set("Content-Type", "application/json")
		_, _ = o.writer.Write(body) // a client that is gone needs no answer
	}
}
