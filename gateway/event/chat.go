package event

import "time"

// KindChat is about Chat. It does not come from the bus: a client makes it of the
// chat protocol's own events.
const KindChat Kind = "chat"

// States of a Chat.
const (
	ChatWaiting = "status"  // the model was asked and has not said anything
	ChatDelta   = "delta"   // Message is the answer so far
	ChatFinal   = "final"   // Message is the whole answer
	ChatAborted = "aborted" // Message is what was said before
	ChatError   = "error"   // Problem says why
)

// Chat is what a run of a conversation did.
type Chat struct {
	Agent   string      `json:"agent"`
	Run     string      `json:"run"`
	State   string      `json:"state"`
	Message ChatMessage `json:"message"`
	Problem string      `json:"problem,omitempty"`
}

// ChatMessage is one message of a conversation, line by line.
type ChatMessage struct {
	Role    string    `json:"role"` // "user", "assistant"
	Lines   []string  `json:"lines"`
	Time    time.Time `json:"time,omitzero"`
	Run     string    `json:"run,omitempty"`
	Model   string    `json:"model,omitempty"`
	Problem string    `json:"problem,omitempty"`
}
