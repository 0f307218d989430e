//go:build linux

package seccomp

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const openedByNested = "setns mount umount2 pivot_root chroot open_tree open_tree_attr move_mount fsopen fsconfig fsmount fspick mount_setattr"

// A filter for nested sandboxes lets go on what they are made with, and no more
// than that; without it each fails, and what makes namespaces is handed over to
// be refused, never allowed, also where nobody listens.
func TestNestedFilter(t *testing.T) {
	opened := strings.Fields(openedByNested)
	for arch, audit := range architectures {
		plain := built(t, Options{Arch: arch, Notify: true})
		deaf := built(t, Options{Arch: arch})
		nested := built(t, Options{Arch: arch, Notify: true, Nested: true})
		cgroups := built(t, Options{Arch: arch, Notify: true, Nested: true, CgroupNamespaces: true})
		differs := map[string]bool{}
		for _, r := range table() {
			number := r.number(arch)
			if number == none {
				continue
			}
			d := data{number: uint32(number), arch: audit}
			if run(t, plain, d) != run(t, nested, d) {
				differs[r.name] = true
			}
			if r.name != "clone" && r.name != "unshare" {
				continue
			}
			for flag, wanted := range map[uint64][4]uint32{
				unix.CLONE_NEWUSER:                        {notified, fails(unix.EPERM), allowed, allowed},
				unix.CLONE_NEWNS | unix.CLONE_NEWPID:      {notified, fails(unix.EPERM), allowed, allowed},
				unix.CLONE_NEWCGROUP:                      {notified, fails(unix.EPERM), notified, allowed},
				unix.CLONE_NEWUSER | unix.CLONE_NEWCGROUP: {notified, fails(unix.EPERM), notified, allowed},
				unix.CLONE_FILES:                          {allowed, allowed, allowed, allowed},
			} {
				d.arguments[0] = flag
				for i, filter := range [][]unix.SockFilter{plain, deaf, nested, cgroups} {
					if got := run(t, filter, d); got != wanted[i] {
						t.Errorf("%s %s(%#x) in filter %d: %#x, want %#x", arch, r.name, flag, i, got, wanted[i])
					}
				}
			}
		}
		for _, name := range opened {
			if !differs[name] {
				t.Errorf("%s %s is not opened", arch, name)
			}
			delete(differs, name)
		}
		for name := range differs {
			t.Errorf("%s %s is another with nested sandboxes", arch, name)
		}
	}
}
