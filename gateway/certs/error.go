package certs

// Error is a file that cannot be used, or a setting that cannot be kept.
type Error struct {
	Op   string // "read private key"
	Path string // may be empty
	Err  error
	Hint string // what a person can do
}

func (e *Error) Error() string {
	if e.Path == "" {
		return e.Op + ": " + e.Err.Error()
	}
	return e.Op + " " + e.Path + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Refusal is why a client's certificate is not accepted.
type Refusal struct {
	Reason string // "the certificate of laptop (serial 1f) was revoked on 2026-01-02"
}

func (r *Refusal) Error() string { return r.Reason }
