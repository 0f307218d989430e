//go:build linux

package harden

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// Rights take the calling thread's capabilities off while it does something for a
// cage. The cage has none: served by root, it would otherwise open what no
// file's mode gives to root's own agent, and keep set-uid bits when it writes.
type Rights struct {
	held    bool // this process has capabilities at all
	full    [2]unix.CapUserData
	lowered [2]unix.CapUserData
}

// OwnRights reads what the calling thread has.
func OwnRights() (*Rights, error) {
	r := &Rights{}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if err := unix.Capget(&header, &r.full[0]); err != nil {
		return nil, fmt.Errorf("read own capabilities: %w", err)
	}
	r.lowered = r.full
	for i := range r.lowered {
		r.held = r.held || r.full[i].Effective != 0
		r.lowered[i].Effective = 0
	}
	return r, nil
}

// Lower takes effect for the calling thread until the returned function is
// called. It may be nested. Go starts no thread from one that is locked, so
// none inherits it.
func (r *Rights) Lower() (restore func()) {
	if !r.held {
		return func() {}
	}
	runtime.LockOSThread()
	var was [2]unix.CapUserData
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if unix.Capget(&header, &was[0]) != nil || unix.Capset(&header, &r.lowered[0]) != nil {
		panic("the kernel does not let a thread lower its own capabilities")
	}
	return func() {
		if unix.Capset(&header, &was[0]) != nil {
			return // the thread stays locked and low, and ends with its goroutine
		}
		runtime.UnlockOSThread()
	}
}
