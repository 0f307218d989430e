package client

// Kind sorts errors.
type Kind string

// The kinds. A refusal of the gateway after the handshake is a *wire.Error and
// not one of these.
const (
	KindUnreachable Kind = "unreachable" // nobody listens
	KindRefused     Kind = "refused"     // the gateway does not let this client in
	KindBroken      Kind = "broken"      // the connection ended
	KindUnsafe      Kind = "unsafe"      // the token would be shown to the network, or to a gateway that cannot prove itself
)

// Error is a connection that could not be made or that ended.
type Error struct {
	Op   string
	Kind Kind
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
