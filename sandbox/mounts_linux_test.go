package sandbox_test

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const mountsVariable = "OPENCLAW_TEST_MOUNTS"

// What is mounted below an allowed folder when the run starts belongs to it; a
// denied folder that is mounted there as well stays denied.
func TestMountsBelow(t *testing.T) { inMountNamespace(t, "TestMountsBelowHere") }

// inMountNamespace runs a test where it may mount, also as an ordinary user.
func inMountNamespace(t *testing.T, name string) {
	t.Helper()
	newWorld(t) // skips where no cage can be built
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "unshare", "-rm", self, "-test.run", "^"+name+"$", "-test.v")
	command.Env = append(os.Environ(), mountsVariable+"=1")
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := command.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+name) {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestMountsBelowHere(t *testing.T) {
	if os.Getenv(mountsVariable) == "" {
		t.Skip("TestMountsBelow runs this in a mount namespace")
	}
	w := newWorld(t).allow("project").deny("project/secret")
	for _, name := range []string{"memory", "other", "keys", "whole"} {
		if err := os.MkdirAll(w.path("project/src/"+name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	bind := func(from, to string) {
		t.Helper()
		if err := unix.Mount(w.path(from), w.path(to), "", unix.MS_BIND, ""); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Unmount(w.path(to), unix.MNT_DETACH) })
	}
	if err := unix.Mount("tmpfs", w.path("project/src/memory"), "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(w.path("project/src/memory"), unix.MNT_DETACH) })
	w.write("project/src/memory/file", "in memory")
	bind("other", "project/src/other")
	bind(".ssh", "project/src/keys")
	bind(".", "project/src/whole")
	res := w.sh(`cd ~/project/src; cat memory/file other/notes.txt; echo x > memory/new; cat keys/id_ed25519 whole/.ssh/id_ed25519 whole/project/secret/key; ls keys; cat whole/other/notes.txt`)
	if res.out != "in memorynotesnotes" || w.read("project/src/memory/new") != "x\n" {
		t.Errorf("out %q, err %q", res.out, res.err)
	}
	if warnings := strings.Join(res.report.Warnings, "\n"); !strings.Contains(warnings, "src/keys is denied") || len(res.denials) < 4 {
		t.Errorf("warnings %s, denials %q", warnings, w.brief(res.denials))
	}
}
