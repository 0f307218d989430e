//go:build linux && (amd64 || arm64)

package spawn_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/spawn"
)

// plain is a start in this process's own namespaces.
func plain(o *spawn.Options) { o.Namespaces, o.Capabilities, o.DeathSignal = 0, nil, 0 }

// A program of this process's own namespaces is this process's user with no more
// rights than it has, begins where it is told to, and has a descriptor here.
func TestProgramWithoutNamespaces(t *testing.T) {
	dir := t.TempDir()
	descriptor := int32(-1)
	said, failed, err := run(func(o *spawn.Options) {
		plain(o)
		o.Arguments, o.Dir, o.PIDFD = []string{"sh", "-c", "pwd; readlink /proc/self/ns/user; grep CapEff /proc/self/status; echo $$"}, dir, &descriptor
	})
	if failed != nil || err != nil {
		t.Fatalf("%+v, %v", failed, err)
	}
	lines := strings.Split(said, "\n")
	own, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != 5 || lines[0] != dir || lines[1] != readlink(t, "/proc/self/ns/user") || !strings.Contains(string(own), lines[2]+"\n") {
		t.Errorf("it said %q", said)
	}
	about, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", descriptor))
	if err != nil || !strings.Contains(string(about), "Pid:\t-1\n") { // it has ended and been waited for
		t.Errorf("%v: %s", err, about)
	}
	_ = unix.Close(int(descriptor))
	for step, change := range map[spawn.Step]func(*spawn.Options){
		spawn.Enter: func(o *spawn.Options) { o.Dir = dir + "/none" },
		spawn.Lead:  func(o *spawn.Options) { o.Leads, o.TerminalFD = spawn.Group, 0 }, // not a terminal
	} {
		if _, failed, _ := run(func(o *spawn.Options) { plain(o); change(o) }); failed == nil || failed.Step != step {
			t.Errorf("%v: %+v", step, failed)
		}
	}
}

// The leader of a session has its terminal. A group that is to have the foreground
// has it before its program runs, with no signal ignored or blocked.
func TestTerminalOfWhatIsLed(t *testing.T) {
	master, slave, err := pty.Open()
	if err != nil {
		need(t, "pseudo-terminals")
	}
	defer master.Close()
	defer slave.Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*spawn.Options){
		"session": func(o *spawn.Options) { cat("/proc/self/stat", "/proc/self/status")(o) },
		"group": func(o *spawn.Options) {
			o.Program, o.Arguments, o.Environment = self, []string{self}, append(os.Environ(), groupVariable+"=1")
		},
	} {
		said, failed, err := run(func(o *spawn.Options) {
			plain(o)
			o.Leads, o.TerminalFD, o.Files[0] = spawn.Session, int(slave.Fd()), int(slave.Fd())
			change(o)
		})
		if failed != nil || err != nil {
			t.Fatalf("%s: %+v, %v: %s", name, failed, err, said)
		}
		first, status, _ := strings.Cut(said, "\n")
		// Process, group, session, and the terminal's foreground: proc(5).
		fields := strings.Fields(first)
		if len(fields) < 8 || fields[0] != fields[4] || fields[0] != fields[7] || (fields[0] == fields[5]) != (name == "session") {
			t.Errorf("%s: %q", name, first)
		}
		// What this process was itself started to ignore, as nohup has it, stays ignored.
		for set, want := range map[string]string{"SigBlk": "0000000000000000", "SigIgn": ignored(t), "SigCgt": "0000000000000000"} {
			if !strings.Contains(status, set+":\t"+want+"\n") {
				t.Errorf("%s: %s is not %s: %s", name, set, want, status)
			}
		}
	}
}

// ignored is the set of signals that this process ignores, as the kernel writes it.
func ignored(t *testing.T) string {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "\nSigIgn:\t")
	set, _, _ := strings.Cut(after, "\n")
	return set
}
