package sandbox_test

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const ownSystemVariable = "OPENCLAW_TEST_OWN_SYSTEM"

// inOwnSystem runs a test as an ordinary user for whom a file that the built-in rules
// deny in a system folder is a file of their own: there a mount covers it.
func inOwnSystem(t *testing.T, name string) {
	t.Helper()
	if !nestedUser(t) {
		return
	}
	newWorld(t) // skips where no cage can be built
	command := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run", "^"+name+"$", "-test.v")
	command.Env = append(os.Environ(), ownSystemVariable+"=1")
	command.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}},
		AmbientCaps: []uintptr{unix.CAP_SYS_ADMIN}, Pdeathsig: syscall.SIGKILL,
	}
	out, err := command.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+name) {
		t.Errorf("%v\n%s", err, out)
	}
}

// maskedFile is denied by a built-in rule, in a folder that a test can put another
// one on.
const maskedFile = "/etc/security/opasswd"

// ownSystem gives the test's own system a denied file; the returned function replaces
// it, as somebody outside does.
func ownSystem(t *testing.T) (replace func()) {
	t.Helper()
	if os.Getenv(ownSystemVariable) == "" {
		t.Skip("another test runs this in a namespace of its own")
	}
	if err := unix.Mount("tmpfs", "/etc/security", "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	// What starts cages has no privilege.
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(maskedFile, "the first secret")
	return func() {
		t.Helper()
		write(maskedFile+".new", "the other secret")
		if err := os.Rename(maskedFile+".new", maskedFile); err != nil {
			t.Fatal(err)
		}
	}
}

// A denied file of the system's that somebody outside replaces is covered again, each
// time, and the report says so.
func TestSystemFileReplacedAsOrdinaryUser(t *testing.T) { inOwnSystem(t, "TestSystemFileReplacedHere") }

func TestSystemFileReplacedHere(t *testing.T) {
	replace := ownSystem(t)
	w := newWorld(t).allow("project")
	k := newTalk(t, w)
	denied := func(got string) bool { return strings.Contains(got, "Permission denied") }
	if got := k.run("cat " + maskedFile); !denied(got) {
		t.Errorf("before: %q", got)
	}
	for range 10 { // there are fewer spares
		replace()
		k.shows("cat "+maskedFile, denied)
	}
	k.warns(maskedFile + " is denied and was replaced from outside during the run; it was covered again")
	k.end()
}

// A sandbox that a program has made sees what it was replaced by, so the run ends, and
// says why.
func TestNestedSystemFileReplacedAsOrdinaryUser(t *testing.T) {
	inOwnSystem(t, "TestNestedSystemFileReplacedHere")
}

func TestNestedSystemFileReplacedHere(t *testing.T) {
	replace := ownSystem(t)
	w := nestedWorld(t)
	k := newTalk(t, w)
	if got := k.run("cat " + maskedFile); !strings.Contains(got, "Permission denied") {
		t.Errorf("before: %q", got)
	}
	replace()
	k.isEnded(maskedFile + `" was replaced from outside, and a nested sandbox may see it`)
}
