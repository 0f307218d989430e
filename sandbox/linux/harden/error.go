package harden

// Error is a protection that could not be put in place. The caller must not
// start the command.
type Error struct {
	Op   string // what was being done: "drop capabilities"
	Kind Kind
	Err  error
	Hint string // what a person can do
}

// Kind sorts errors.
type Kind int

// KindFailed is a refusal by the kernel; KindMissing: this kernel does not have
// the mechanism.
const (
	KindFailed Kind = iota
	KindMissing
)

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Op
	}
	return e.Op + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }
