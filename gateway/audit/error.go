package audit

// Kind sorts errors.
type Kind string

// The kinds of error.
const (
	KindLocked  Kind = "in use"            // another process records into the file
	KindFile    Kind = "cannot be used"    // not a regular file, or not accessible
	KindWrite   Kind = "cannot be written" // disk full, I/O error
	KindClosed  Kind = "closed"
	KindUnknown Kind = "unknown event"
)

// Error is what this package returns. Use errors.Is(err, &Error{Kind: …}) to
// ask for a kind.
type Error struct {
	Op   string // "open audit log"
	Path string
	Kind Kind
	Err  error
	Hint string // what a person can do
}

func (e *Error) Error() string {
	text := e.Op
	if e.Path != "" {
		text += " " + e.Path
	}
	text += ": " + string(e.Kind)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

// Is compares kinds.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Kind == e.Kind && t.Op == "" && t.Path == ""
}
