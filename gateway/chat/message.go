package chat

import (
	"encoding/json"
	"strings"

	"openclaw/gateway/store"
)

// Roles of a message.
const (
	RoleUser      = "user"
	RoleAssistant = "assistant"
)

// Block is one part of a message's content, in the protocol's shape.
type Block struct {
	Type string `json:"type"` // "text"
	Text string `json:"text"`
}

// Text is the content of plain words.
func Text(text string) []Block { return []Block{{Type: "text", Text: text}} }

// Usage is what an answer took, as its provider counted it.
type Usage struct {
	Input      int64 `json:"input"`
	Output     int64 `json:"output"`
	CacheRead  int64 `json:"cacheRead"`
	CacheWrite int64 `json:"cacheWrite"`
	Total      int64 `json:"totalTokens"`
}

func (u *Usage) add() { u.Total = u.Input + u.Output + u.CacheRead + u.CacheWrite }

// About is what is known of an answer besides its text.
type About struct {
	Provider     string `json:"provider,omitempty"`
	Model        string `json:"model,omitempty"`
	Usage        *Usage `json:"usage,omitempty"`
	StopReason   string `json:"stopReason,omitempty"` // "stop", "length", "aborted", "error", or the provider's word
	ErrorMessage string `json:"errorMessage,omitempty"`
}

// Turn is what one side said, as a model is told.
type Turn struct {
	Role string
	Text string
}

// Plain is the words of a stored message.
func Plain(m store.Message) string {
	var blocks []Block
	if json.Unmarshal(m.Content, &blocks) != nil {
		return ""
	}
	var words strings.Builder
	for _, b := range blocks {
		if b.Type == "text" {
			words.WriteString(b.Text)
		}
	}
	return words.String()
}

// AboutOf reads what is known of a stored message.
func AboutOf(m store.Message) (about About) {
	_ = json.Unmarshal(m.About, &about) // ours; of another shape, nothing is known
	return about
}

// turns is what the model of run is told: the conversation run after run, as
// each was answered, without those that wait behind it.
func turns(messages []store.Message, run string, waiting map[string]bool) []Turn {
	var order []string
	of := map[string][]Turn{}
	for _, m := range messages {
		words := Plain(m)
		if waiting[m.Run] || words == "" { // providers refuse a turn without words
			continue
		}
		if _, seen := of[m.Run]; !seen {
			order = append(order, m.Run)
		}
		of[m.Run] = append(of[m.Run], Turn{Role: m.Role, Text: words})
	}
	var out []Turn
	for _, one := range order {
		if one != run {
			out = append(out, of[one]...)
		}
	}
	return append(out, of[run]...)
}
