package seccomp

// Error is a filter that could not be built or installed, or a listener that
// cannot go on.
type Error struct {
	Op   string // what was being done: "install seccomp filter"
	Kind Kind
	Err  error
	Hint string // what a person can do
}

// Kind sorts errors.
type Kind int

// KindFailed is a refusal by the kernel; KindMissing: this kernel or processor
// does not have the mechanism.
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
