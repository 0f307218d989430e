package approve

// Kind sorts errors.
type Kind int

// The kinds.
const (
	KindFailed   Kind = iota
	KindNotFound      // no such ask, or it is forgotten
	KindInvalid       // a scope or a match that this ask does not have
	KindRefused       // the config does not offer it
	KindOver          // too late: it is answered, or nobody waits any more
)

// Error is why an answer was not taken.
type Error struct {
	Op   string // "allow ask 4f2a91"
	Kind Kind
	Err  error
	Hint string // what a person can do
}

func (e *Error) Error() string { return e.Op + ": " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }
