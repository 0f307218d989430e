package chat

import "encoding/json"

// Kinds of API that a chat can speak.
const (
	KindAnthropic = "anthropic"
	KindOpenAI    = "openai"
)

// MaxTokens is how long an answer may be where nobody says: Anthropic's API wants
// a number. 8,192 is what all of its models since Claude 3.5 take.
const MaxTokens = 8192

// Model is whom a run asks.
type Model struct {
	Provider string // its name in the config
	Kind     string // the API that it speaks
	Name     string
}

// Prompt is what a model is asked. Nil fields are left to the provider.
type Prompt struct {
	System      string
	Turns       []Turn
	MaxTokens   int // 0: MaxTokens with Anthropic, else the provider's own
	Temperature *float64
	TopP        *float64
	Stop        []string
}

type turnJSON struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

type anthropicPrompt struct {
	Model       string     `json:"model"`
	MaxTokens   int        `json:"max_tokens"`
	Stream      bool       `json:"stream"`
	System      string     `json:"system,omitempty"`
	Messages    []turnJSON `json:"messages"`
	Temperature *float64   `json:"temperature,omitempty"`
	TopP        *float64   `json:"top_p,omitempty"`
	Stop        []string   `json:"stop_sequences,omitempty"`
}

type openAIPrompt struct {
	Model         string         `json:"model"`
	Stream        bool           `json:"stream"`
	StreamOptions map[string]any `json:"stream_options"`
	Messages      []turnJSON     `json:"messages"`
	MaxTokens     int            `json:"max_completion_tokens,omitempty"`
	Temperature   *float64       `json:"temperature,omitempty"`
	TopP          *float64       `json:"top_p,omitempty"`
	Stop          []string       `json:"stop,omitempty"`
}

// encode gives the path and the body of the request, in the API of the kind.
func (p Prompt) encode(model Model) (path string, body []byte, err error) {
	messages := make([]turnJSON, 0, len(p.Turns)+1)
	if model.Kind == KindAnthropic {
		for _, t := range p.Turns {
			messages = append(messages, turnJSON{t.Role, t.Text})
		}
		most := p.MaxTokens
		if most == 0 {
			most = MaxTokens
		}
		body, err = json.Marshal(anthropicPrompt{model.Name, most, true, p.System, messages, p.Temperature, p.TopP, p.Stop})
		return "/v1/messages", body, err
	}
	if p.System != "" {
		messages = append(messages, turnJSON{"system", p.System})
	}
	for _, t := range p.Turns {
		messages = append(messages, turnJSON{t.Role, t.Text})
	}
	body, err = json.Marshal(openAIPrompt{model.Name, true, map[string]any{"include_usage": true}, messages, p.MaxTokens, p.Temperature, p.TopP, p.Stop})
	return "/v1/chat/completions", body, err
}
