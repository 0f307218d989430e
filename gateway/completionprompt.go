package gateway

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"openclaw/gateway/chat"
)

// completion is a request of OpenAI's chat completions, as far as it is read.
type completion struct {
	Model    string `json:"model"`
	Messages []struct {
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
	} `json:"messages"`
	Stream        bool `json:"stream"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
	MaxTokens           int             `json:"max_tokens"`
	MaxCompletionTokens int             `json:"max_completion_tokens"`
	Temperature         *float64        `json:"temperature"`
	TopP                *float64        `json:"top_p"`
	Stop                json.RawMessage `json:"stop"`
	N                   *int            `json:"n"`
	User                string          `json:"user"`
	Tools               []any           `json:"tools"`
	Functions           []any           `json:"functions"`
	ResponseFormat      *struct {
		Type string `json:"type"`
	} `json:"response_format"`
}

func (c *completion) about() (model, user string) { return c.Model, c.User }

func (c *completion) answer(w http.ResponseWriter, created int64) chatAnswer {
	return &completionWriter{chatStream: chatStream{writer: w}, request: c, run: "chatcmpl_" + uuid.NewString(), created: created}
}

func (c *completion) prompt() (prompt chat.Prompt, problem string) {
	prompt = chat.Prompt{MaxTokens: max(c.MaxTokens, c.MaxCompletionTokens), Temperature: c.Temperature, TopP: c.TopP}
	switch {
	case c.N != nil && *c.N != 1:
		return prompt, "a chat gives one answer: n must be 1"
	case len(c.Tools) > 0 || len(c.Functions) > 0:
		return prompt, "an agent's chat has no tools yet: leave tools and functions out"
	case c.ResponseFormat != nil && c.ResponseFormat.Type != "" && c.ResponseFormat.Type != "text":
		return prompt, "an agent's chat answers in text: leave response_format out"
	case c.MaxTokens < 0 || c.MaxCompletionTokens < 0:
		return prompt, "max_tokens is not negative"
	}
	if len(c.Stop) > 0 && string(c.Stop) != "null" {
		var one string
		if json.Unmarshal(c.Stop, &one) == nil {
			prompt.Stop = []string{one}
		} else if json.Unmarshal(c.Stop, &prompt.Stop) != nil {
			return prompt, "stop is a text or a list of texts"
		}
	}
	var system []string
	for _, m := range c.Messages {
		text, ok := textOfContent(m.Content, "text")
		if !ok {
			return prompt, "the content of a message must be text: an agent's chat takes no pictures, sounds or files yet"
		}
		switch m.Role {
		case "system", "developer":
			system = append(system, text)
		case chat.RoleUser, chat.RoleAssistant:
			if text != "" { // providers refuse a turn without words
				prompt.Turns = append(prompt.Turns, chat.Turn{Role: m.Role, Text: text})
			}
		default:
			return prompt, "a message's role must be system, developer, user or assistant"
		}
	}
	if len(prompt.Turns) == 0 {
		return prompt, "messages hold nothing that a user said"
	}
	prompt.System = strings.Join(system, "\n\n")
	return prompt, ""
}

// textOfContent is a message's content where that is text alone: one, or parts of
// these types.
func textOfContent(content json.RawMessage, types ...string) (string, bool) {
	if len(content) == 0 || string(content) == "null" {
		return "", true
	}
	var text string
	if json.Unmarshal(content, &text) == nil {
		return text, true
	}
	var parts []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	if json.Unmarshal(content, &parts) != nil {
		return "", false
	}
	var out strings.Builder
	for _, part := range parts {
		if !slices.Contains(types, part.Type) {
			return "", false
		}
		out.WriteString(part.Text)
	}
	return out.String(), true
}
