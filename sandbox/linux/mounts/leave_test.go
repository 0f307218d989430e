//go:build linux

package mounts

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Whether the old root is gone is told by the kernel's own way up, not by an umount
// that returns: as long as the old root lies there, no word makes it gone; as soon as
// it does not, no word is waited for.
func TestOldRootIsGone(t *testing.T) {
	const inside = "OPENCLAW_TEST_OLD_ROOT"
	if os.Getenv(inside) == "" {
		child := exec.Command(os.Args[0], "-test.run=^TestOldRootIsGone$", "-test.v")
		child.Env = append(os.Environ(), inside+"=1")
		child.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
			Pdeathsig:   syscall.SIGKILL,
		}
		said, err := child.CombinedOutput()
		if errors.Is(err, unix.EPERM) && os.Getenv("OPENCLAW_TEST_REQUIRE") != "all" {
			t.Skip("this machine gives no user namespace:", err)
		}
		if err != nil || !strings.Contains(string(said), "--- PASS: TestOldRootIsGone") {
			t.Fatalf("%v\n%s", err, said)
		}
		return
	}
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"keep mounts private", func() error { return unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "") }},
		{"mount new root", func() error { return unix.Mount("new", "/tmp", "tmpfs", 0, "") }},
		{"enter new root", func() error { return unix.Chdir("/tmp") }},
		{"put the old root upon it", func() error { return unix.PivotRoot(".", ".") }},
		{"enter root", func() error { return unix.Chdir("/") }},
	} {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
	}
	left := make(chan error, 1)
	b := &Builder{left: left}
	left <- nil
	if err := b.Left(); err == nil {
		t.Fatal("an old root that lies there is called gone, because an umount returned")
	}
	left <- unix.EBUSY
	if err := b.Left(); !errors.Is(err, unix.EBUSY) {
		t.Fatalf("the umount's failure became %v", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		t.Fatal(err)
	}
	if err := b.Left(); err != nil { // nothing is in the channel, so it may not be what is waited for
		t.Fatal(err)
	}
}
