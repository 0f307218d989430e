package network

// Kind sorts errors for the caller.
type Kind int

// KindFailed is anything not named below. KindMissing: the kernel lacks a part
// that the redirect needs. KindUnproven: the set-up was accepted but a packet
// did not go where it must.
const (
	KindFailed Kind = iota
	KindMissing
	KindUnproven
)

// Error is a network that could not be built, or was built and does not hold.
type Error struct {
	Op   string // "add redirect rules"
	Kind Kind
	Err  error
	Hint string // what a person can do
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Op
	}
	return e.Op + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }
