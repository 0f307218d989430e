package wire

// Events of the standard protocol that tell of chats.
const (
	EventChat            = "chat"
	EventAgent           = "agent"
	EventSessionsChanged = "sessions.changed"
	EventSessionMessage  = "session.message"
)

// ChatSend is the params of chat.send, as far as the gateway reads them.
type ChatSend struct {
	SessionKey     string `json:"sessionKey"`
	AgentID        string `json:"agentId"`
	Message        string `json:"message"`
	Thinking       string `json:"thinking"`
	Deliver        bool   `json:"deliver"`
	TimeoutMS      int64  `json:"timeoutMs"`
	Attachments    []any  `json:"attachments"`
	IdempotencyKey string `json:"idempotencyKey"`
}

// AgentRun is the params of agent, as far as the gateway reads them.
type AgentRun struct {
	Message           string `json:"message"`
	AgentID           string `json:"agentId"`
	Provider          string `json:"provider"`
	Model             string `json:"model"`
	SessionID         string `json:"sessionId"`
	SessionKey        string `json:"sessionKey"`
	Thinking          string `json:"thinking"`
	Deliver           bool   `json:"deliver"`
	Attachments       []any  `json:"attachments"`
	Timeout           int64  `json:"timeout"` // seconds
	ExtraSystemPrompt string `json:"extraSystemPrompt"`
	IdempotencyKey    string `json:"idempotencyKey"`
}

// ChatEvent is the payload of the event chat, in all of its states. Fields that
// a state does not have are absent.
type ChatEvent struct {
	RunID        string       `json:"runId"`
	SessionKey   string       `json:"sessionKey"`
	AgentID      string       `json:"agentId,omitempty"`
	Seq          uint64       `json:"seq"` // of its run
	State        string       `json:"state"`
	Phase        string       `json:"phase,omitempty"`     // of "status"
	DeltaText    *string      `json:"deltaText,omitempty"` // of "delta"
	Message      *ChatMessage `json:"message,omitempty"`
	StopReason   string       `json:"stopReason,omitempty"`
	ErrorMessage string       `json:"errorMessage,omitempty"`
	ErrorKind    string       `json:"errorKind,omitempty"`
	ErrorDetail  *ErrorDetail `json:"errorDetail,omitempty"`
	Usage        any          `json:"usage,omitempty"`
}

// ErrorDetail is what is known of a provider's fault.
type ErrorDetail struct {
	Provider          string `json:"provider,omitempty"`
	Model             string `json:"model,omitempty"`
	ProviderErrorType string `json:"providerErrorType,omitempty"`
	HTTPStatus        int    `json:"httpStatus,omitempty"`
}

// ChatMessage is one message of a conversation. Content is a string of a
// person's words, or the list of an answer's blocks.
type ChatMessage struct {
	Role         string `json:"role"`
	Content      any    `json:"content"`
	Timestamp    int64  `json:"timestamp"` // Unix milliseconds
	Provider     string `json:"provider,omitempty"`
	Model        string `json:"model,omitempty"`
	Usage        any    `json:"usage,omitempty"`
	StopReason   string `json:"stopReason,omitempty"`
	ErrorMessage string `json:"errorMessage,omitempty"`
	RunID        string `json:"runId,omitempty"`
	Seq          int64  `json:"seq,omitempty"` // in its session
}

// AgentEvent is the payload of the event agent.
type AgentEvent struct {
	RunID  string         `json:"runId"`
	Seq    uint64         `json:"seq"`
	Stream string         `json:"stream"` // "lifecycle"
	TS     int64          `json:"ts"`     // Unix milliseconds
	Data   map[string]any `json:"data"`
}

// SessionRow is a session as it is listed.
type SessionRow struct {
	Key           string   `json:"key"`
	SessionID     string   `json:"sessionId"`
	Kind          string   `json:"kind"` // "direct"
	AgentID       string   `json:"agentId"`
	Label         string   `json:"label,omitempty"`
	UpdatedAt     int64    `json:"updatedAt"` // Unix milliseconds
	CreatedAt     int64    `json:"createdAt"`
	ModelProvider string   `json:"modelProvider,omitempty"`
	Model         string   `json:"model,omitempty"`
	InputTokens   int64    `json:"inputTokens"`
	OutputTokens  int64    `json:"outputTokens"`
	TotalTokens   int64    `json:"totalTokens"`
	Status        string   `json:"status,omitempty"`
	LastRunID     string   `json:"lastRunId,omitempty"`
	LastRunError  string   `json:"lastRunError,omitempty"`
	LastMessage   string   `json:"lastMessagePreview,omitempty"`
	HasActiveRun  bool     `json:"hasActiveRun"`
	ActiveRunIDs  []string `json:"activeRunIds"`
}

// SessionChanged is the payload of sessions.changed.
type SessionChanged struct {
	SessionKey string      `json:"sessionKey"`
	AgentID    string      `json:"agentId"`
	SessionID  string      `json:"sessionId,omitempty"`
	Reason     string      `json:"reason"` // "send", "run", "create", "reset", "delete", "patch"
	Phase      string      `json:"phase,omitempty"`
	RunID      string      `json:"runId,omitempty"`
	TS         int64       `json:"ts"`
	Session    *SessionRow `json:"session,omitempty"` // absent: it is gone
}

// SessionMessage is the payload of session.message.
type SessionMessage struct {
	SessionKey string       `json:"sessionKey"`
	AgentID    string       `json:"agentId"`
	SessionID  string       `json:"sessionId"`
	RunID      string       `json:"runId"`
	MessageSeq int64        `json:"messageSeq"`
	UpdatedAt  int64        `json:"updatedAt"`
	Message    *ChatMessage `json:"message"`
}
