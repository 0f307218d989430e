package backend

import (
	"errors"
	"strings"

	"openclaw/keychain"
)

// State is how the chosen backend is.
type State string

// The states.
const (
	Ready       State = "ready"
	None        State = "none"        // nothing is chosen: no keychain works and no vault was made
	Locked      State = "locked"      // a keyring or a vault that a person has to unlock
	Unreachable State = "unreachable" // no service, or no answer in time
	Failed      State = "failed"      // a damaged or unsafe file, a wrong key
)

// offer is the way out where no keychain works.
const offer = "openclaw vault init"

// Status is what a person is shown.
type Status struct {
	Backend string `json:"backend"` // "", "keychain" or "vault"
	State   State  `json:"state"`
	Detail  string `json:"detail,omitempty"` // why, without a secret
	Hint    string `json:"hint,omitempty"`   // what to do
}

// Status returns what the last call or Refresh found. It asks nobody.
func (b *Backend) Status() Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := Status{Backend: b.choice, State: Ready}
	if b.err == nil {
		return s
	}
	s.State, s.Detail = Failed, b.err.Error()
	e, ok := errors.AsType[*keychain.Error](b.err)
	if !ok {
		return s
	}
	s.Hint = e.Hint
	switch e.Kind {
	case keychain.KindLocked:
		s.State = Locked
	case keychain.KindNoService, keychain.KindTimeout:
		s.State = Unreachable
	default:
	}
	if b.choice == "" && e.Kind != keychain.KindCorrupt && e.Kind != keychain.KindUnsupported {
		s.State = None
		if !strings.Contains(s.Hint, offer) {
			s.Hint += "; or keep secrets in the encrypted vault: " + offer
		}
	}
	return s
}
