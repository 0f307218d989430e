//go:build linux

package mounts

import (
	"errors"
	"os"
	"testing"

	"openclaw/sandbox/policy"
)

// A disk of Windows has short names that no listing shows, also where case counts.
func TestOtherNamesByKind(t *testing.T) {
	f := &finder{known: map[string]string{}, mounts: parseMounts([]byte(`22 1 254:0 / / rw - ext4 /dev/vda rw
30 22 8:1 / /mnt/stick rw shared:7 master:2 - vfat /dev/sda1 rw,shortname=mixed
31 22 8:2 / /mnt/ntfs rw - ntfs3 /dev/sda2 rw
32 22 8:3 / /mnt/old rw - fuseblk /dev/sda3 rw
33 22 0:50 / /mnt/c rw - 9p C:\134 rw,dirsync,aname=drvfs;path=C:\;uid=1000
34 22 0:51 / /mnt/d rw - virtiofs drvfsD rw
35 22 0:52 / /mnt/server rw - cifs //server/share rw
36 30 0:53 / /mnt/stick/memory rw - tmpfs tmpfs rw
37 22 0:54 / /mnt/guest rw - 9p share rw,trans=virtio
`))}
	deny := rule(policy.Deny, "", "/denied")
	for name, loose := range map[string]bool{
		"/": false, "/mnt": false, "/mnt/stick": true, "/mnt/stick/a/b": true, "/mnt/stick2": false, "/mnt/ntfs/a": true, "/mnt/old/a": true,
		"/mnt/c/Users": true, "/mnt/d/a": true, "/mnt/server/a": true, "/mnt/stick/memory/a": false, "/mnt/guest/a": false,
	} {
		if err := f.held(name, &deny); errors.Is(err, ErrOtherNames) != loose {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A new disk, on which there is nothing to try, is no reason to refuse a run; one that
// another system shares is.
func TestOtherNamesOfNothing(t *testing.T) {
	empty := tree(t)
	deny := rule(policy.Deny, "", "/denied")
	for kind, loose := range map[string]bool{"ext4": false, "xfs": false, "overlay": false, "virtiofs": true, "9p": true, "fuse.grpcfuse": true} {
		f := &finder{known: map[string]string{}, mounts: []mounted{{at: "/", kind: "ext4"}, {at: empty, kind: kind}}}
		if err := f.held(empty, &deny); errors.Is(err, ErrOtherNames) != loose {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// Two files whose names differ in case only are two files.
func TestOtherNamesThatAreFiles(t *testing.T) {
	root := tree(t, "README", "readme")
	f, err := newFinder()
	if err != nil {
		t.Fatal(err)
	}
	deny := rule(policy.Deny, "", root+"/secret")
	if err := f.held(root, &deny); err != nil {
		t.Error(err)
	}
}

// A folder that may be entered and not listed is left to the gate with all below it,
// from the start of a run.
func TestUnlistedIsServed(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root lists every folder; the cage's own test runs as an ordinary user")
	}
	root := tree(t, "p/closed/deep/file", "p/open/file")
	if err := os.Chmod(root+"/p/closed", 0o300); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(root+"/p/closed", 0o700) })
	deny := rule(policy.Deny, "", "/**/.env")
	deny.Glob = true
	plan, err := Make(&policy.Policy{Paths: []policy.PathRule{rule(policy.Allow, policy.AccessWrite, root+"/p"), deny}, Exec: policy.Exec{Commands: true}})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]Region{"/p": Gate, "/p/closed": Gate, "/p/closed/deep": Gate, "/p/open": Write} {
		if got := plan.Regions.Native(plan.Policy, root+name); got != want {
			t.Errorf("%s: %s, not %s", name, got, want)
		}
	}
}
