//go:build linux

package stage

import (
	"errors"
	"fmt"

	"openclaw/sandbox/linux/harden"
)

// giveUp takes from the calling thread everything that the command must not
// have. Landlock comes after the mounts, which it would forbid; the call filter
// comes last, because it would forbid all of this.
func (s *stage) giveUp() error {
	if err := harden.DropCapabilities(); err != nil {
		return hardening(err)
	}
	if err := harden.NoNewPrivileges(); err != nil {
		return hardening(err)
	}
	version, err := harden.RestrictScopes()
	if err != nil {
		return hardening(err)
	}
	s.prove("landlock scopes", fmt.Sprintf("abstract sockets and signals, Landlock version %d", version))
	proofs, err := testThread()
	if err != nil {
		return fail("test the command's thread", err)
	}
	s.proofs = append(s.proofs, proofs...)
	return nil
}

func hardening(err error) error {
	f := fail("give up rights", err)
	var typed *harden.Error
	if errors.As(err, &typed) {
		f.Hint, f.Missing = typed.Hint, typed.Kind == harden.KindMissing
	}
	return f
}
