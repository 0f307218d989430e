package cgroup

// Error is a limit that cannot be put in place, or a group that cannot be made.
type Error struct {
	Op   string // what was being done: "find a place for control groups"
	Kind Kind
	Err  error
	Hint string // what a person can do
}

// Kind sorts errors.
type Kind int

// KindFailed is a refusal by the kernel; KindMissing: this machine, or this
// session, gives no place or no controller.
const (
	KindFailed Kind = iota
	KindMissing
)

func (e *Error) Error() string { return e.Op + ": " + e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }
