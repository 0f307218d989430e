package gateway

// Kind sorts errors.
type Kind string

// The kinds.
const (
	KindRunning     Kind = "already running" // another gateway holds the state folder
	KindPortTaken   Kind = "port taken"
	KindRefused     Kind = "refused" // the config asks for what cannot be given safely
	KindUnsupported Kind = "unsupported"
	KindFailed      Kind = "failed"
)

// Error is why the gateway does not start.
type Error struct {
	Op   string // "listen on 127.0.0.1:18789"
	Kind Kind
	PID  int // of KindRunning and KindPortTaken: who is in the way; 0 when it is not known
	Err  error
	Hint string // what a person can do
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Op + ": " + string(e.Kind)
	}
	return e.Op + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }
