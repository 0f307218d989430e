package gateway

import (
	"encoding/json"

	"openclaw/gateway/chat"
)

// responseWriter gives an answer in the shape of OpenAI's responses: one message
// of one part. Nothing of it is kept under its id.
type responseWriter struct {
	chatStream
	request *responseRequest
	run     string
	item    string // id of the message
	created int64
	events  int // sent so far
}

func (o *responseWriter) id() string { return o.run }

// text gets a piece of the answer.
func (o *responseWriter) text(piece string) {
	if !o.request.Stream || piece == "" {
		return
	}
	o.begin()
	o.inPart("response.output_text.delta", object{"delta": piece, "logprobs": []object{}})
}

func (o *responseWriter) begin() {
	if !o.start() {
		return
	}
	o.event("response.created", object{"response": o.response("in_progress")})
	o.event("response.in_progress", object{"response": o.response("in_progress")})
	o.event("response.output_item.added", object{"output_index": 0, "item": o.message("in_progress", nil)})
	o.inPart("response.content_part.added", object{"part": outputText("")})
}

// inPart sends an event of the one part.
func (o *responseWriter) inPart(kind string, body object) {
	body["item_id"], body["output_index"], body["content_index"] = o.item, 0, 0
	o.event(kind, body)
}

func (o *responseWriter) event(kind string, body object) {
	body["type"], body["sequence_number"] = kind, o.events
	o.events++
	text, _ := json.Marshal(body) // texts, numbers and what was JSON always encode
	o.line("event: " + kind + "\ndata: " + string(text) + "\n\n")
}

func outputText(text string) object {
	return object{"type": "output_text", "text": text, "annotations": []object{}, "logprobs": []object{}}
}

func (o *responseWriter) message(status string, parts []object) object {
	if parts == nil {
		parts = []object{}
	}
	return object{"id": o.item, "type": "message", "role": chat.RoleAssistant, "status": status, "content": parts}
}

// response is the answer as a whole.
func (o *responseWriter) response(status string, output ...object) object {
	if output == nil {
		output = []object{}
	}
	orNull := func(value json.RawMessage) any {
		if given(value) {
			return value
		}
		return nil
	}
	metadata := orNull(o.request.Metadata)
	if metadata == nil {
		metadata = object{}
	}
	return object{
		"id": o.run, "object": "response", "created_at": o.created, "status": status, "model": o.request.Model, "output": output,
		"background": false, "error": nil, "incomplete_details": nil, "instructions": orNull(o.request.Instructions), "metadata": metadata,
		"max_output_tokens": o.request.MaxOutputTokens, "temperature": o.request.Temperature, "top_p": o.request.TopP,
		"parallel_tool_calls": false, "tool_choice": "none", "tools": []object{}, "previous_response_id": nil, "store": false,
		"text": object{"format": object{"type": "text"}}, "truncation": "disabled", "usage": nil,
	}
}

// end is the rest: the whole answer, or the end of its stream.
func (o *responseWriter) end(answer chat.Answer, fault *chat.Fault) {
	status, details := "completed", any(nil)
	switch answer.StopReason {
	case "length":
		status, details = "incomplete", object{"reason": "max_output_tokens"}
	case "refusal", "content_filter":
		status, details = "incomplete", object{"reason": "content_filter"}
	}
	message := o.message(status, []object{outputText(answer.Text)})
	whole := o.response(status, message)
	whole["incomplete_details"] = details
	whole["usage"] = object{
		"input_tokens": answer.Usage.Total - answer.Usage.Output, "output_tokens": answer.Usage.Output, "total_tokens": answer.Usage.Total,
		"input_tokens_details": object{"cached_tokens": answer.Usage.CacheRead}, "output_tokens_details": object{"reasoning_tokens": 0},
	}
	switch {
	case fault != nil && !o.begun:
		code, kind := statusOfFault(fault)
		openAIRefusal(o.writer, code, kind, fault.Message)
	case fault != nil: // the code is one of the API's own
		code := "server_error"
		if fault.Kind == chat.FaultRate {
			code = "rate_limit_exceeded"
		}
		failed := o.response("failed", o.message("incomplete", []object{outputText(answer.Text)}))
		failed["error"] = object{"code": code, "message": fault.Message}
		o.event("response.failed", object{"response": failed})
	case o.request.Stream:
		o.begin()
		o.inPart("response.output_text.done", object{"text": answer.Text, "logprobs": []object{}})
		o.inPart("response.content_part.done", object{"part": outputText(answer.Text)})
		o.event("response.output_item.done", object{"output_index": 0, "item": message})
		o.event("response."+status, object{"response": whole})
	default:
		writeBody(o.writer, whole)
	}
}
