//go:build linux

package stage

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"unsafe"

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
	version, err := harden.RestrictScopes()
	if err != nil {
		return hardening(err)
	}
	s.prove("landlock scopes", fmt.Sprintf("abstract sockets and signals, Landlock version %d", version))
	if err := s.filter(); err != nil {
		return err
	}
	proofs, err := testThread()
	if err != nil {
		return fail("test the command's thread", err)
	}
	s.proofs = append(s.proofs, proofs...)
	return nil
}

// filter puts the call filter on the calling thread, and one like it that
// reports nothing on all of init's other threads.
func (s *stage) filter() error {
	quiet, err := seccomp.Build(seccomp.Options{})
	if err != nil {
		return filtering(err)
	}
	if err := everywhere(quiet); err != nil {
		return fail("install call filter", err)
	}
	dropEverywhere()
	reporting, err := seccomp.Build(seccomp.Options{Notify: true})
	if err != nil {
		return filtering(err)
	}
	listener, err := seccomp.Install(reporting, true)
	if err != nil {
		return filtering(err)
	}
	err = s.call(KindListener, nil, listener)
	_ = unix.Close(listener)
	return err
}

// everywhere installs a filter on every thread of this process.
func everywhere(filter []unix.SockFilter) error {
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	//nolint:gosec // the kernel copies the program during the call
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	runtime.KeepAlive(filter)
	if errno != 0 {
		return errno
	}
	if thread != 0 {
		return fmt.Errorf("thread %d has another filter", thread)
	}
	return nil
}

// dropEverywhere takes the capabilities from init's other threads too. A
// program linked with C cannot do that (ENOTSUP); there the call filter alone
// keeps init from using them.
func dropEverywhere() {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	//nolint:gosec // the kernel reads both during the call
	_, _, _ = syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&none[0])), 0)
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
