package wire

import "encoding/json"

// Version is the protocol number that clients offer and we speak.
const Version = 4

// RawObject is a JSON object that passes through unread.
type RawObject = json.RawMessage

// Request is a client's call.
type Request struct {
	Type   string          `json:"type"` // "req"
	ID     string          `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params,omitempty"`
}

// Response answers the Request with the same ID.
type Response struct {
	Type    string          `json:"type"` // "res"
	ID      string          `json:"id"`
	OK      bool            `json:"ok"`
	Payload json.RawMessage `json:"payload,omitempty"`
	Error   *Error          `json:"error,omitempty"`
}

// Event is pushed by the gateway. Seq counts from 1 for each connection and is
// absent only on the challenge.
type Event struct {
	Type    string          `json:"type"` // "event"
	Event   string          `json:"event"`
	Payload json.RawMessage `json:"payload,omitempty"`
	Seq     uint64          `json:"seq,omitempty"`
}

// Error is a refusal. Message holds no secret and no absolute path of another
// person's.
type Error struct {
	Code         string         `json:"code"`
	Message      string         `json:"message"`
	Details      map[string]any `json:"details,omitempty"`
	Retryable    bool           `json:"retryable,omitempty"`
	RetryAfterMS int64          `json:"retryAfterMs,omitempty"`
}

func (e *Error) Error() string { return e.Message }

// Hint is the person's cure, if the gateway sent one.
func (e *Error) Hint() string {
	hint, _ := e.Details["hint"].(string)
	return hint
}
