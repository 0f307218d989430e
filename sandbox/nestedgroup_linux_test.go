package sandbox_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"openclaw/sandbox"
	"openclaw/sandbox/linux/cgroup"
)

// Where the user has a control group to divide, a run that may build sandboxes is in
// one of its own, also without a limit: then a cgroup namespace shows no other.
func TestNestedHasAControlGroup(t *testing.T) {
	if os.Getuid() != 0 {
		return // only root gives groups away, and the inside is an ordinary user's
	}
	newWorld(t) // skips where no cage can be built
	_, err := cgroup.FindWith(divided)
	require(t, err == nil, "no control groups of version 2")
	parent, err := os.MkdirTemp(groupOf(t, os.Getpid()), "openclaw-test-") //nolint:usetesting // a control group is made there
	if err != nil {
		t.Fatal(err)
	}
	inside := filepath.Join(parent, "user")
	t.Cleanup(func() {
		below, _ := filepath.Glob(filepath.Join(parent, "*")) // what a run leaves empty for the next
		for _, dir := range below {
			_ = os.Remove(dir)
		}
		if err := os.Remove(parent); err != nil {
			t.Error(err)
		}
	})
	if err := os.Mkdir(inside, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{parent, inside} {
		for _, name := range []string{".", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"} {
			if err := os.Chown(filepath.Join(dir, name), ordinaryUser, ordinaryUser); err != nil {
				t.Fatal(err)
			}
		}
	}
	group, err := os.Open(inside)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = group.Close() }()
	asUser(t, "^TestNestedHasAControlGroupHere$", func(command *exec.Cmd) {
		command.Env = append(command.Env, groupVariable+"=1")
		command.SysProcAttr.UseCgroupFD, command.SysProcAttr.CgroupFD = true, int(group.Fd())
	})
}

const groupVariable = "OPENCLAW_TEST_OWN_GROUP"

func TestNestedHasAControlGroupHere(t *testing.T) {
	if os.Getenv(groupVariable) == "" {
		t.Skip("TestNestedHasAControlGroup runs this in a control group of its own")
	}
	spec := nestedWorld(t).spec("unshare", "-UrC", "cat", "/proc/self/cgroup")
	cage, err := sandbox.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cage.GroupsWith(divided)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = read.Close() }()
	spec.Stdout, spec.Stderr = write, write
	process, err := cage.Start(context.WithoutCancel(t.Context()), spec)
	_ = write.Close()
	if err != nil {
		t.Fatalf("%v (%s)", err, hintOf(err))
	}
	if _, err := process.Wait(); err != nil {
		t.Error(err)
	}
	text := make([]byte, 4096)
	n, _ := read.Read(text)
	if got := string(text[:n]); !strings.Contains("\n"+got, "\n0::/\n") {
		t.Errorf("a cgroup namespace shows %q", got)
	}
	if warnings := strings.Join(process.Report().Warnings, "\n"); strings.Contains(warnings, "cgroup namespaces are refused") {
		t.Errorf("%s", warnings)
	}
}
