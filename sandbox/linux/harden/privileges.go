//go:build linux

package harden

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// NoNewPrivileges makes every later execve of the calling thread grant nothing:
// set-uid bits and file capabilities have no effect.
func NoNewPrivileges() error {
	const op = "set no_new_privs"
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return &Error{Op: op, Err: err, Hint: "the kernel refused it; a Linux of 3.5 or newer has it"}
	}
	if !hasNoNewPrivileges() {
		return &Error{Op: op, Err: errors.New("it did not stay set")}
	}
	return nil
}

func hasNoNewPrivileges() bool {
	set, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	return err == nil && set == 1
}

// maxCapability is past the last capability of any kernel so far (the two
// words of a capability set have room for 64).
const maxCapability = 63

// DropCapabilities takes every capability from the calling thread: the
// bounding, ambient, inheritable, permitted and effective sets are empty
// afterwards, and stay so over an execve. A thread that cannot empty its
// bounding set, because it lacks CAP_SETPCAP, must have no_new_privs, which
// makes that set harmless.
func DropCapabilities() error {
	const op = "drop capabilities"
	for c := range uintptr(maxCapability + 1) {
		err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0)
		switch {
		case err == nil:
		case errors.Is(err, unix.EINVAL): // past the kernel's last one
		case errors.Is(err, unix.EPERM) && hasNoNewPrivileges():
		default:
			return &Error{
				Op: op, Err: fmt.Errorf("bounding set: %w", err),
				Hint: "set no_new_privs first, or keep CAP_SETPCAP until here",
			}
		}
	}
	err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
	if err != nil && !errors.Is(err, unix.EINVAL) { // kernels before 4.3 have no ambient set
		return &Error{Op: op, Err: fmt.Errorf("ambient set: %w", err)}
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none, left [2]unix.CapUserData
	if err := unix.Capset(&header, &none[0]); err != nil {
		return &Error{Op: op, Err: fmt.Errorf("capset: %w", err)}
	}
	if err := unix.Capget(&header, &left[0]); err != nil {
		return &Error{Op: op, Err: fmt.Errorf("capget: %w", err)}
	}
	if left != none {
		return &Error{Op: op, Err: errors.New("some capabilities stayed")}
	}
	return nil
}
