//go:build linux

package seccomp

import (
	"golang.org/x/sys/unix"

	"openclaw/sandbox/policy"
)

// NamespaceCalls are the calls that make namespaces. The filter hands one over
// that would, so that its refusal is seen; the handler must refuse it
// (LeaveToHandler).
func NamespaceCalls() []string { return []string{"clone", "unshare"} }

func namespaceShape() shape { return shape{"unshare", policy.ClassExec, -1, -1, -1, -1, -1, -1} }

// onNamespaces refuses new namespaces, or, in a cage for nested sandboxes,
// allows them. A cgroup namespace would show the control group of whoever
// started the cage, which its user owns; it is allowed only where that is not so.
func onNamespaces(flags int, namespaces uint32) rule {
	return func(o Options) []unix.SockFilter {
		refused := errno(unix.EPERM)
		if o.Notify {
			refused = notify(o)
		}
		switch {
		case !o.Nested:
			return sequence(ifBits(flags, namespaces, refused), allow())
		case !o.CgroupNamespaces:
			return sequence(ifBits(flags, unix.CLONE_NEWCGROUP, refused), allow())
		}
		return allow()
	}
}

// unlessNested refuses what only a sandbox inside the cage needs. The kernel
// then asks for capabilities over the namespace concerned, which no process has
// over the cage's own.
func unlessNested(e unix.Errno) rule {
	return func(o Options) []unix.SockFilter {
		if o.Nested {
			return allow()
		}
		return barred(o, e)
	}
}
