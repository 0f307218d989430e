//go:build linux

package stage

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/harden"
	"openclaw/sandbox/linux/seccomp"
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
	scopes, err := s.landlock()
	if err != nil {
		return err
	}
	if err := s.filter(scopes); err != nil {
		return err
	}
	proofs, err := testThread()
	if err != nil {
		return fail("test the command's thread", err)
	}
	s.proofs = append(s.proofs, proofs...)
	return nil
}

// landlock closes the ways out that have no path, a second time where this
// kernel can (scopes): without it, the cage's own network and process namespaces
// hold abstract sockets and signals, and the call filter a signal to the process
// group. Of a cage for nested sandboxes it leaves the files alone: a process under
// a rule for files may not mount. The standard files were opened anew for it; see
// mounts.Standard.
func (s *stage) landlock() (scopes bool, err error) {
	const byNamespaces = "abstract sockets and signals are held by the cage's namespaces alone"
	if s.setup.Nested {
		version, err := harden.LandlockVersion()
		if err != nil {
			return false, hardening(err)
		}
		what := byNamespaces
		if scopes = harden.HasScopes(version); scopes {
			if _, err := harden.RestrictScopes(); err != nil {
				return false, hardening(err)
			}
			what = "abstract sockets and signals"
		}
		s.prove("landlock scopes", fmt.Sprintf("%s, Landlock version %d; changes of files are left to the mounts, for nested sandboxes", what, version))
		return scopes, nil
	}
	done, err := harden.RestrictToTree(s.setup.Landlock, 0, 1, 2)
	if err != nil {
		return false, hardening(err)
	}
	detail := "abstract sockets, signals, and no change of a file but the cage's own, Landlock version %d"
	if !done.Scopes {
		detail = "no change of a file but the cage's own, Landlock version %d; " + byNamespaces
	}
	s.prove("landlock scopes", fmt.Sprintf(detail, done.Version))
	return done.Scopes, nil
}

// filter puts the call filter on the calling thread. Init's own threads keep
// their rights over the cage's mounts, to cover again what is uncovered from
// outside; nobody inside can reach init.
func (s *stage) filter(scopes bool) error {
	reporting, err := seccomp.Build(seccomp.Options{
		Notify: true, Nested: s.setup.Nested, CgroupNamespaces: s.setup.CgroupNamespaces, SizeLimit: s.setup.MaxFileSize, NoScopes: !scopes,
	})
	if err != nil {
		return filtering(err)
	}
	listener, err := seccomp.Install(reporting, true)
	if err != nil {
		return filtering(err)
	}
	err = s.conn.Send(KindListener, nil, listener)
	_ = unix.Close(listener)
	return err
}

func filtering(err error) error {
	f := fail("install call filter", err)
	if typed, ok := errors.AsType[*seccomp.Error](err); ok {
		f.Hint, f.Missing = typed.Hint, typed.Kind == seccomp.KindMissing
	}
	return f
}

func hardening(err error) error {
	f := fail("give up rights", err)
	if typed, ok := errors.AsType[*harden.Error](err); ok {
		f.Hint, f.Missing = typed.Hint, typed.Kind == harden.KindMissing
	}
	return f
}
