package auth

// Standing is what a token is worth now. The three ways to have been good once
// are told apart: each has another cure.
type Standing uint8

// The standings.
const (
	Unknown   Standing = iota // it never was a token of this gateway, as far as is remembered
	Good                      // it opens what its scopes say
	Expired                   // it reached its own end
	Revoked                   // it was taken back, or replaced with no grace
	GraceOver                 // it was replaced, and the time for which the old one was still taken is over
)

func (s Standing) String() string {
	switch s {
	case Good:
		return "good"
	case Expired:
		return "expired"
	case Revoked:
		return "revoked"
	case GraceOver:
		return "replaced, and its grace period is over"
	case Unknown:
	}
	return "unknown"
}
