package standin

import (
	"encoding/json"
	"net/http"
	"strings"
)

// api is the shape of one provider's replies.
type api int

const (
	anthropic api = iota
	chat          // OpenAI's chat completions, and its errors
	responses     // OpenAI's responses
	gemini        // Google's
)

type object = map[string]any

func apiOf(path string) api {
	switch {
	case strings.Contains(path, "/messages"):
		return anthropic
	case strings.Contains(path, "/responses"):
		return responses
	case strings.Contains(path, "/v1beta/") || strings.HasSuffix(path, "Content"):
		return gemini
	}
	return chat
}

func (a api) errorBody(message string) []byte {
	shaped := object{"error": object{"message": message, "type": "invalid_request_error", "param": nil, "code": "invalid_api_key"}}
	switch a {
	case anthropic:
		shaped = object{"type": "error", "error": object{"type": "api_error", "message": message}}
	case gemini:
		shaped = object{"error": object{"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}
	default:
	}
	encoded, _ := json.Marshal(shaped) // as in event
	return encoded
}

// fail answers with an error of the API.
func (a api) fail(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(a.errorBody(message)) // a client that is gone needs no answer
}

// reply is a whole answer.
func (a api) reply(path, model, text string) object {
	switch {
	case strings.HasSuffix(path, "/count_tokens"):
		return object{"input_tokens": 7}
	case strings.HasSuffix(path, ":countTokens"):
		return object{"totalTokens": 7}
	case strings.HasSuffix(path, ":embedContent"):
		return object{"embedding": object{"values": []float64{0.25, -0.5}}}
	case a == gemini && strings.HasSuffix(path, "/models"):
		return object{"models": []object{{"name": "models/gemini-stand-in", "displayName": "Stand-in", "supportedGenerationMethods": []string{"generateContent"}}}}
	case a == gemini && strings.Contains(path, "Content"):
		return content(model, text, "STOP")
	case strings.HasSuffix(path, "/models"):
		return object{"object": "list", "has_more": false, "data": []object{
			{"id": "claude-stand-in", "object": "model", "type": "model", "display_name": "Stand-in", "created": 1700000000, "created_at": "2026-01-01T00:00:00Z", "owned_by": "stand-in"},
		}}
	case strings.Contains(path, "/models/"):
		return object{"id": path[strings.LastIndexByte(path, '/')+1:], "object": "model", "type": "model", "display_name": "Stand-in", "created": 1700000000, "owned_by": "stand-in"}
	case strings.HasSuffix(path, "/embeddings"):
		return object{"object": "list", "model": model, "data": []object{{"object": "embedding", "index": 0, "embedding": []float64{0.25, -0.5}}}, "usage": object{"prompt_tokens": 7, "total_tokens": 7}}
	}
	switch a {
	case anthropic:
		return object{
			"id": "msg_standin", "type": "message", "role": "assistant", "model": model, "content": []object{{"type": "text", "text": text}},
			"stop_reason": "end_turn", "stop_sequence": nil, "usage": object{"input_tokens": 7, "output_tokens": 5},
		}
	case responses:
		return responseObject(model, text, "completed")
	default:
		return object{
			"id": "chatcmpl-standin", "object": "chat.completion", "created": 1700000000, "model": model,
			"choices": []object{{"index": 0, "finish_reason": "stop", "message": object{"role": "assistant", "content": text}}},
			"usage":   object{"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12},
		}
	}
}

// content is an answer of Gemini's, and each event of its streams.
func content(model, text string, finish any) object {
	candidate := object{"index": 0, "content": object{"role": "model", "parts": []object{{"text": text}}}}
	if finish != nil {
		candidate["finishReason"] = finish
	}
	return object{
		"candidates": []object{candidate}, "modelVersion": model, "responseId": "standin",
		"usageMetadata": object{"promptTokenCount": 7, "candidatesTokenCount": 5, "totalTokenCount": 12},
	}
}

// item and part are what an answer of OpenAI's responses is made of.
func item(text, status string) object {
	content := []object{}
	if status == "completed" {
		content = append(content, part(text))
	}
	return object{"id": "item_standin", "type": "message", "role": "assistant", "status": status, "content": content}
}

func part(text string) object {
	return object{"type": "output_text", "text": text, "annotations": []object{}}
}

func responseObject(model, text, status string) object {
	output := []object{}
	if status == "completed" {
		output = append(output, item(text, status))
	}
	return object{
		"id": "resp_standin", "object": "response", "created_at": 1700000000, "model": model, "status": status,
		"output": output,
		"usage":  object{"input_tokens": 7, "output_tokens": 5, "total_tokens": 12},
	}
}

// begin is what comes before the first text of a stream.
func (a api) begin(model string) string {
	switch a {
	case anthropic:
		message := a.reply("", model, "")
		message["content"], message["stop_reason"] = []object{}, nil
		return event("message_start", object{"type": "message_start", "message": message}) +
			event("content_block_start", object{"type": "content_block_start", "index": 0, "content_block": object{"type": "text", "text": ""}}) +
			event("ping", object{"type": "ping"})
	case responses:
		return event("response.created", object{"type": "response.created", "sequence_number": 0, "response": responseObject(model, "", "in_progress")}) +
			event("response.output_item.added", object{"type": "response.output_item.added", "sequence_number": 0, "output_index": 0, "item": item("", "in_progress")}) +
			event("response.content_part.added", object{"type": "response.content_part.added", "sequence_number": 0, "item_id": "item_standin", "output_index": 0, "content_index": 0, "part": part("")})
	case gemini:
		return event("", content(model, "", nil))
	default:
		return event("", chunk(object{"role": "assistant", "content": ""}, nil))
	}
}

func chunk(delta object, finish any) object {
	return object{
		"id": "chatcmpl-standin", "object": "chat.completion.chunk", "created": 1700000000, "model": "stand-in-1",
		"choices": []object{{"index": 0, "delta": delta, "finish_reason": finish}},
	}
}

// text is one piece of a stream.
func (a api) text(text string, number int) string {
	switch a {
	case anthropic:
		return event("content_block_delta", object{"type": "content_block_delta", "index": 0, "delta": object{"type": "text_delta", "text": text}})
	case responses:
		return event("response.output_text.delta", object{"type": "response.output_text.delta", "sequence_number": number + 1, "item_id": "item_standin", "output_index": 0, "content_index": 0, "delta": text})
	case gemini:
		return event("", content("stand-in-1", text, nil))
	default:
		return event("", chunk(object{"content": text}, nil))
	}
}

// end is what ends a stream; usage asks a chat completion for a chunk of its own.
func (a api) end(model string, usage bool) string {
	switch a {
	case anthropic:
		return event("content_block_stop", object{"type": "content_block_stop", "index": 0}) +
			event("message_delta", object{"type": "message_delta", "delta": object{"stop_reason": "end_turn", "stop_sequence": nil}, "usage": object{"output_tokens": 5}}) +
			event("message_stop", object{"type": "message_stop"})
	case responses:
		return event("response.output_text.done", object{"type": "response.output_text.done", "sequence_number": 1_000_000, "item_id": "item_standin", "output_index": 0, "content_index": 0, "text": text}) +
			event("response.content_part.done", object{"type": "response.content_part.done", "sequence_number": 1_000_000, "item_id": "item_standin", "output_index": 0, "content_index": 0, "part": part(text)}) +
			event("response.output_item.done", object{"type": "response.output_item.done", "sequence_number": 1_000_000, "output_index": 0, "item": item(text, "completed")}) +
			event("response.completed", object{"type": "response.completed", "sequence_number": 1_000_000, "response": responseObject(model, text, "completed")})
	case gemini:
		return event("", content(model, "", "STOP"))
	default:
		last := event("", chunk(object{}, "stop"))
		if usage {
			counted := chunk(nil, nil)
			counted["choices"], counted["usage"] = []object{}, object{"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
			last += event("", counted)
		}
		return last + "data: [DONE]\n\n"
	}
}
