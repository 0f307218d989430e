//go:build linux

package mounts

import (
	"slices"
	"testing"
)

func TestElsewhere(t *testing.T) {
	table := parseMounts([]byte(`22 1 254:0 / / rw - ext4 /dev/vda rw
30 22 0:5 / /proc rw - proc proc rw
31 22 254:1 / /home rw - ext4 /dev/vdb rw
32 31 254:1 /user/.ssh /home/user/project/keys rw - ext4 /dev/vdb rw
33 31 254:1 /user /home/user/project/whole\040home rw - ext4 /dev/vdb rw
34 31 254:1 /user/.ssh/old /home/user/project/part rw - ext4 /dev/vdb rw
35 31 254:1 /user/.sshd /home/user/project/other rw - ext4 /dev/vdb rw
36 22 254:1 / /mnt/all rw - ext4 /dev/vdb rw
37 31 0:40 / /home/user/project/memory rw - tmpfs tmpfs rw
`))
	for name, want := range map[string][]string{
		"/home/user/.ssh": {"/home/user/project/keys", "/home/user/project/whole home/.ssh", "/home/user/project/part", "/mnt/all/user/.ssh"},
		"/home/user/.aws": {"/home/user/project/whole home/.aws", "/mnt/all/user/.aws"},
		"/etc/shadow":     nil,
		"/proc/kcore":     nil,
	} {
		if got := elsewhere(table, name); !slices.Equal(got, want) {
			t.Errorf("%s: %q, not %q", name, got, want)
		}
	}
}
