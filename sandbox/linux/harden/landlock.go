//go:build linux

package harden

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// From the kernel's include/uapi/linux/landlock.h.
const (
	landlockQueryVersion      = 1      // LANDLOCK_CREATE_RULESET_VERSION
	scopeAbstractUnixSockets  = 1 << 0 // LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
	scopeSignals              = 1 << 1 // LANDLOCK_SCOPE_SIGNAL
	landlockVersionWithScopes = 6      // Linux 6.12
)

// rulesetAttributes is struct landlock_ruleset_attr as of version 6.
type rulesetAttributes struct {
	handledFiles   uint64
	handledNetwork uint64
	scoped         uint64
}

// LandlockVersion is the ABI version of the running kernel's Landlock.
func LandlockVersion() (int, error) {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, landlockQueryVersion)
	switch {
	case errno == 0:
		return int(version), nil
	case errors.Is(errno, unix.ENOSYS), errors.Is(errno, unix.EOPNOTSUPP):
		return 0, &Error{
			Op: "find Landlock", Kind: KindMissing, Err: errno,
			Hint: `the kernel was built or started without it; add "landlock" to the lsm= list of the kernel's command line`,
		}
	}
	return 0, &Error{Op: "find Landlock", Err: errno}
}

// RestrictScopes cuts the calling thread, and all that it starts, off from
// abstract UNIX sockets and signals of processes outside. It needs
// no_new_privs or CAP_SYS_ADMIN. It returns the Landlock version; below 6 it
// restricts nothing and returns an *Error of KindMissing.
func RestrictScopes() (int, error) {
	const op = "restrict Landlock scopes"
	version, err := LandlockVersion()
	if err != nil {
		return 0, err
	}
	if version < landlockVersionWithScopes {
		return version, &Error{
			Op: op, Kind: KindMissing, Err: fmt.Errorf("version %d", version),
			Hint: "a Linux of 6.12 or newer has it",
		}
	}
	attributes := rulesetAttributes{scoped: scopeAbstractUnixSockets | scopeSignals}
	//nolint:gosec // the kernel reads the structure during the call only
	ruleset, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attributes)), unsafe.Sizeof(attributes), 0)
	if errno != 0 {
		return version, &Error{Op: op, Err: fmt.Errorf("create ruleset: %w", errno)}
	}
	_, _, errno = unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0, 0)
	if err := unix.Close(int(ruleset)); err != nil && errno == 0 {
		return version, &Error{Op: op, Err: fmt.Errorf("close ruleset: %w", err)}
	}
	switch {
	case errno == 0:
		return version, nil
	case errors.Is(errno, unix.EPERM):
		return version, &Error{Op: op, Err: errno, Hint: "set no_new_privs first"}
	case errors.Is(errno, unix.E2BIG):
		return version, &Error{Op: op, Err: errno, Hint: "the process already stands under 16 Landlock rulesets"}
	}
	return version, &Error{Op: op, Err: errno}
}
