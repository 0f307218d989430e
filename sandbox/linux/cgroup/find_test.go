//go:build linux

package cgroup

import (
	"errors"
	"strings"
	"testing"
)

// Where version 2 is mounted, and which group is ours, in the forms in which
// the kernel says it.
func TestLocate(t *testing.T) {
	const unified = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
	for _, c := range []struct{ name, mountinfo, membership, root, own, err string }{
		{"systemd", unified, "0::/user.slice/user-1000.slice/session-2.scope\n", "/sys/fs/cgroup", "/user.slice/user-1000.slice/session-2.scope", ""},
		{"hybrid", "31 23 0:27 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n32 23 0:28 / /sys/fs/cgroup/unified rw - cgroup2 none rw\n", "8:pids:/\n0::/\n", "/sys/fs/cgroup/unified", "/", ""},
		{"container that sees its part only", "30 23 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n", "0::/docker/abc/x\n", "/sys/fs/cgroup", "/x", ""},
		{"another part", "30 23 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n", "0::/docker/abcd\n", "", "", "not mounted"},
		{"folder with a space", "30 23 0:26 / /mnt/a\\040b rw - cgroup2 none rw\n", "0::/\n", "/mnt/a b", "/", ""},
		{"outside of the namespace", unified, "0::/../x\n", "", "", "no group of version 2"},
		{"version 1 only", "31 23 0:27 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n", "8:pids:/\n", "", "", "no group of version 2"},
		{"not mounted", "", "0::/\n", "", "", "not mounted"},
	} {
		root, own, err := locate(c.mountinfo, c.membership)
		if root != c.root || own != c.own || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %q %q %v", c.name, root, own, err)
		}
		var typed *Error
		if err != nil && (!errors.As(err, &typed) || typed.Kind != KindMissing || typed.Hint == "") {
			t.Errorf("%s: %#v has no cure", c.name, err)
		}
	}
}

// A cgroup namespace is safe only where every group that it shows is closed to
// the user, in every version; what cannot be told is not safe.
func TestNamespaceSafe(t *testing.T) {
	const mounts = "30 23 0:26 / /cg rw - cgroup2 none rw\n31 23 0:27 / /cg1/memory rw - cgroup cgroup rw,memory\n32 23 0:27 / /cg1/both rw - cgroup cgroup rw,cpu,cpuacct\n"
	for _, c := range []struct {
		name, membership string
		own              bool
		user             int
		open             string
		want             bool
	}{
		{"another's group", "0::/session\n", false, 1000, "", true},
		{"the user's group", "0::/mine\n", false, 1000, "/cg/mine", false},
		{"its processes only", "0::/mine\n", false, 1000, "/cg/mine/cgroup.procs", false},
		{"a group of its own", "0::/mine\n", true, 1000, "/cg/mine", true},
		{"version 1", "4:memory:/a\n1:cpu,cpuacct:/\n0::/\n", false, 1000, "", true},
		{"version 1, the user's", "4:memory:/a\n0::/\n", true, 1000, "/cg1/memory/a", false},
		{"version 1, not mounted", "9:pids:/\n0::/\n", true, 1000, "", false},
		{"outside of what is seen", "0::/../x\n", false, 1000, "", false},
		{"root", "0::/\n", false, 0, "", false},
		{"root in a group of its own", "0::/\n", true, 0, "", true},
		{"root, version 1", "4:memory:/a\n0::/\n", true, 0, "", false},
		{"not readable", "nonsense\n", true, 1000, "", false},
	} {
		got := namespaceSafe(mounts, c.membership, c.own, c.user, func(name string) bool { return c.open == "" || name != c.open })
		if got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
