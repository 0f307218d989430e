package client

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"openclaw/gateway/event"
	"openclaw/gateway/wire"
)

// chatKey is the session that the screen talks in: the agent's main one, which
// other clients of the protocol call so, too.
func chatKey(agent string) string { return "agent:" + agent + ":main" }

const chatHistory = 200 // messages

// ChatHistory is the newest 200 messages of the agent's main session, oldest
// first.
func (b *Backend) ChatHistory(ctx context.Context, agent string) ([]event.ChatMessage, error) {
	var out struct {
		Messages []*wire.ChatMessage `json:"messages"`
	}
	params := map[string]any{"sessionKey": chatKey(agent), "limit": chatHistory}
	if err := b.call(ctx, "chat.history", params, &out); err != nil {
		return nil, err
	}
	slices.SortStableFunc(out.Messages, func(a, b *wire.ChatMessage) int { return int(a.Seq - b.Seq) })
	list := make([]event.ChatMessage, 0, len(out.Messages))
	for _, m := range out.Messages {
		list = append(list, chatMessage(m, b.Mask))
	}
	return list, nil
}

// ChatSend says something in the agent's main session. The answer comes as
// events; run names it, and the same run is never answered twice.
func (b *Backend) ChatSend(ctx context.Context, agent, message, run string) error {
	return b.call(ctx, "chat.send", wire.ChatSend{SessionKey: chatKey(agent), Message: message, IdempotencyKey: run}, nil)
}

// ChatAbort ends what the agent's main session is answering.
func (b *Backend) ChatAbort(ctx context.Context, agent string) error {
	return b.call(ctx, "chat.abort", map[string]any{"sessionKey": chatKey(agent)}, nil)
}

// chatEvent makes an event of the chat protocol one of ours.
func (b *Backend) chatEvent(payload json.RawMessage) (event.Event, bool) {
	var e wire.ChatEvent
	if json.Unmarshal(payload, &e) != nil || e.SessionKey != chatKey(e.AgentID) {
		return event.Event{}, false
	}
	c := &event.Chat{Agent: e.AgentID, Run: e.RunID, State: e.State, Problem: e.ErrorMessage}
	if e.Message != nil {
		mask := b.Mask
		if e.State == event.ChatDelta {
			mask = b.Open
		}
		c.Message = chatMessage(e.Message, mask)
	}
	return event.Event{Time: time.Now(), Kind: event.KindChat, Chat: c}, true
}

func chatMessage(m *wire.ChatMessage, mask func(string) string) event.ChatMessage {
	text := contentText(m.Content)
	if mask != nil {
		text = mask(text)
	}
	out := event.ChatMessage{Role: m.Role, Run: m.RunID, Model: m.Model, Problem: m.ErrorMessage, Lines: chatLines(text)}
	if m.Timestamp > 0 {
		out.Time = time.UnixMilli(m.Timestamp)
	}
	return out
}

// contentText is the text of a message: a string, or that of its blocks.
func contentText(content any) string {
	switch c := content.(type) {
	case string:
		return c
	case []any:
		var text strings.Builder
		for _, block := range c {
			if b, is := block.(map[string]any); is {
				said, _ := b["text"].(string)
				text.WriteString(said)
			}
		}
		return text.String()
	}
	return ""
}

// maxChatLine bounds a line, in bytes: longer ones go on in the next.
const maxChatLine = 2000

func chatLines(text string) []string {
	var lines []string
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		line = strings.ReplaceAll(strings.TrimSuffix(line, "\r"), "\t", "    ")
		for len(line) > maxChatLine {
			cut := maxChatLine
			if blank := strings.LastIndexByte(line[:cut], ' '); blank > cut/2 {
				cut = blank + 1
			}
			for cut > 1 && !utf8.RuneStart(line[cut]) {
				cut--
			}
			lines = append(lines, line[:cut])
			line = line[cut:]
		}
		lines = append(lines, line)
	}
	return lines
}
