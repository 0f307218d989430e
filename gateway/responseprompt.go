package gateway

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"openclaw/gateway/chat"
)

// responseRequest is a request of OpenAI's responses, as far as it is read. What
// only asks for thought, storage or labels (reasoning, store, metadata, include)
// changes nothing of what is said, and is taken.
type responseRequest struct {
	Model           string          `json:"model"`
	Input           json.RawMessage `json:"input"`
	Instructions    json.RawMessage `json:"instructions"`
	Stream          bool            `json:"stream"`
	MaxOutputTokens *int            `json:"max_output_tokens"`
	Temperature     *float64        `json:"temperature"`
	TopP            *float64        `json:"top_p"`
	User            string          `json:"user"`
	Metadata        json.RawMessage `json:"metadata"`
	Tools           []any           `json:"tools"`
	Background      bool            `json:"background"`
	Previous        *string         `json:"previous_response_id"`
	Conversation    json.RawMessage `json:"conversation"`
	Template        json.RawMessage `json:"prompt"`
	Text            *struct {
		Format *struct {
			Type string `json:"type"`
		} `json:"format"`
	} `json:"text"`
}

func (q *responseRequest) about() (model, user string) { return q.Model, q.User }

func (q *responseRequest) answer(w http.ResponseWriter, created int64) chatAnswer {
	return &responseWriter{
		chatStream: chatStream{writer: w}, request: q, run: "resp_" + uuid.NewString(), item: "msg_" + uuid.NewString(), created: created,
	}
}

func given(value json.RawMessage) bool { return len(value) > 0 && string(value) != "null" }

func (q *responseRequest) prompt() (prompt chat.Prompt, problem string) {
	prompt = chat.Prompt{Temperature: q.Temperature, TopP: q.TopP}
	switch {
	case len(q.Tools) > 0:
		return prompt, "an agent's chat has no tools yet: leave tools out"
	case q.Background:
		return prompt, "an agent's chat answers while you wait: leave background out"
	case q.Previous != nil && *q.Previous != "", given(q.Conversation):
		return prompt, "no response is kept by its id: send the whole conversation as input, or name a session with user or X-OpenClaw-Session-Key"
	case given(q.Template):
		return prompt, "an agent's chat has no stored prompts: send the words as input and instructions"
	case q.Text != nil && q.Text.Format != nil && q.Text.Format.Type != "" && q.Text.Format.Type != "text":
		return prompt, "an agent's chat answers in text: leave text.format out"
	case q.MaxOutputTokens != nil && *q.MaxOutputTokens < 1:
		return prompt, "max_output_tokens is at least 1"
	}
	if q.MaxOutputTokens != nil {
		prompt.MaxTokens = *q.MaxOutputTokens
	}
	var system []string
	if given(q.Instructions) {
		text, ok := textOfContent(q.Instructions)
		if !ok {
			return prompt, "instructions is a text"
		}
		system = append(system, text)
	}
	var words string
	if json.Unmarshal(q.Input, &words) == nil {
		prompt.Turns = []chat.Turn{{Role: chat.RoleUser, Text: words}}
	} else {
		more, problem := q.turns(&prompt)
		if problem != "" {
			return prompt, problem
		}
		system = append(system, more...)
	}
	if len(prompt.Turns) == 0 || prompt.Turns[0].Text == "" {
		return prompt, "input holds nothing that a user said"
	}
	prompt.System = strings.Join(system, "\n\n")
	return prompt, ""
}

// turns reads an input that is a list of items.
func (q *responseRequest) turns(prompt *chat.Prompt) (system []string, problem string) {
	var items []struct {
		Type    string          `json:"type"`
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
	}
	if json.Unmarshal(q.Input, &items) != nil {
		return nil, "input is a text or a list of messages"
	}
	for _, item := range items {
		if item.Type != "" && item.Type != "message" {
			return nil, "an item of input must be a message: an agent's chat has no tools, files or references yet"
		}
		text, ok := textOfContent(item.Content, "input_text", "output_text", "text")
		if !ok {
			return nil, "the content of a message must be text: an agent's chat takes no pictures, sounds or files yet"
		}
		switch item.Role {
		case "system", "developer":
			system = append(system, text)
		case chat.RoleUser, chat.RoleAssistant:
			if text != "" { // providers refuse a turn without words
				prompt.Turns = append(prompt.Turns, chat.Turn{Role: item.Role, Text: text})
			}
		default:
			return nil, "a message's role must be system, developer, user or assistant"
		}
	}
	return system, ""
}
