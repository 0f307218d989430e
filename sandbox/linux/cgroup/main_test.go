//go:build linux

package cgroup

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const (
	kernelVariable = "OPENCLAW_TEST_KERNEL" // this program is the first process of a kernel of its own
	childVariable  = "OPENCLAW_TEST_CHILD"  // what a re-executed child does
	registers      = "cpu.all=off"          // GODEBUG there: see boot
	groupsRoot     = "/tmp/groups"          // where that kernel's groups are
)

// TestMain makes the test program three things: the tests, what they start, and
// the first process of a Linux of its own (a kernel that runs as a program,
// user-mode Linux), for machines whose controllers are not to be had.
func TestMain(m *testing.M) {
	if what := os.Getenv(childVariable); what != "" {
		os.Exit(child(what))
	}
	if os.Getenv(kernelVariable) != "" && os.Getpid() == 1 {
		code := 1
		if err := settleKernel(); err != nil {
			fmt.Println("settle:", err)
		} else {
			code = m.Run()
		}
		fmt.Printf("\nended with %d\n", code)
		unix.Sync()
		_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	}
	os.Exit(m.Run())
}

func settleKernel() error {
	if os.Getenv("GODEBUG") != registers {
		return errors.New("the registers that boot speaks of may be in use: GODEBUG is " + os.Getenv("GODEBUG"))
	}
	for _, m := range []struct{ kind, at string }{{"proc", "/proc"}, {"sysfs", "/sys"}, {"tmpfs", "/tmp"}, {"tmpfs", "/var/tmp"}} {
		if err := unix.Mount(m.kind, m.at, m.kind, 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.at, err)
		}
	}
	if err := os.Mkdir(groupsRoot, 0o755); err != nil {
		return err
	}
	if err := unix.Mount("groups", groupsRoot, "cgroup2", 0, ""); err != nil {
		return fmt.Errorf("mount groups: %w", err)
	}
	return os.Chmod("/tmp", 0o777|os.ModeSticky)
}

// onKernel reports whether this is the kernel of the tests' own. Otherwise it
// runs the calling test there and takes its outcome.
func onKernel(t *testing.T) bool {
	t.Helper()
	if os.Getenv(kernelVariable) != "" {
		return true
	}
	program, err := exec.LookPath("linux.uml")
	if err != nil {
		if os.Getenv("OPENCLAW_TEST_REQUIRE") == "all" {
			t.Fatal("user-mode Linux is not installed (Debian: user-mode-linux)")
		}
		t.Skip("user-mode Linux is not installed (Debian: user-mode-linux)")
	}
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if raceDetector {
		// It wants more addresses than that kernel has: there the same tests run
		// without it.
		self = filepath.Join(dir, "test")
		if said, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-race=false", "-o", self, ".").CombinedOutput(); err != nil {
			t.Fatalf("build the tests without the race detector: %v\n%s", err, said)
		}
	}
	// Its memory is a file, and wants to be in memory.
	command := exec.CommandContext(t.Context(), self, program, "mem=384M", "rootfstype=hostfs", "rootflags=/", "ro", "init="+self,
		"quiet", "con=null", "con0=null,fd:1", "uml_dir="+dir, kernelVariable+"=1", "GODEBUG="+registers, "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "--",
		"-test.run=^"+t.Name()+"$", "-test.v")
	command.Env = append(os.Environ(), "TMPDIR=/dev/shm", "HOME="+dir, childVariable+"=boot")
	command.WaitDelay = 0
	out, err := command.CombinedOutput()
	text := string(out)
	if at := strings.Index(text, "=== RUN"); at >= 0 {
		text = text[at:]
	}
	if !strings.Contains(text, "\nended with 0") || !strings.Contains(text, "--- PASS: "+t.Name()) || strings.Contains(text, "--- SKIP") {
		t.Errorf("on a kernel of its own: %v\n%s", err, text)
	}
	return false
}
