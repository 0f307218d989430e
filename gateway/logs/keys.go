package logs

// The keys of every line.
const (
	KeyTime    = "time"
	KeyLevel   = "level"   // debug, info, warn, error
	KeySource  = "source"  // the part that speaks: "gateway", "hub", "provider"…
	KeyMessage = "message" // constant text
)

// The keys of attributes, so that a search finds them under one name.
const (
	KeyAgent  = "agent"
	KeyError  = "error"
	KeyFrom   = "from" // address of a peer
	KeyMethod = "method"
	KeyPanic  = "panic"
	KeyPath   = "path"
	KeyPID    = "pid"
	KeyReason = "reason"
	KeyRun    = "run"
	KeyStack  = "stack"
	KeyStatus = "status"
	KeyTarget = "target"
)
