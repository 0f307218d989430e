//go:build linux

package stage

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/mounts"
)

// probeName is what the self-test tries to make where nothing may be made.
const probeName = ".openclaw-self-test"

// test tries what must not work. The gate refuses from here on.
func (s *stage) test() error {
	if err := s.testProcesses(); err != nil {
		return fail("test process namespace", err)
	}
	if err := s.testReadOnly(); err != nil {
		return fail("test read-only folders", err)
	}
	if err := s.testGate(); err != nil {
		return fail("test gate", err)
	}
	return nil
}

func (s *stage) testProcesses() error {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil && pid != os.Getpid() {
			return fmt.Errorf("process %d is visible", pid)
		}
	}
	s.prove("own processes", "/proc shows none but the cage's")
	return nil
}

func (s *stage) testReadOnly() error {
	tested := 0
	for _, step := range s.setup.Steps {
		if step.Do != mounts.Bind || step.Write || step.File {
			continue
		}
		name := step.Path + "/" + probeName
		err := unix.Mkdir(name, 0o700)
		if errors.Is(err, unix.EROFS) {
			tested++
			continue
		}
		if step.Optional && (errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.EACCES)) {
			continue // removed outside since it was bound: the gate's again
		}
		if err == nil {
			_ = unix.Rmdir(name)
		}
		return fmt.Errorf("make %q: %w, not a read-only file system", name, errOrNone(err))
	}
	if err := unix.Mkdir("/"+probeName, 0o700); !errors.Is(err, unix.EROFS) {
		return fmt.Errorf("make a folder in the root: %w", errOrNone(err))
	}
	if err := unix.Access("/sys/kernel", unix.F_OK); err == nil {
		return errors.New("/sys is there")
	}
	s.prove("read-only binds", strconv.Itoa(tested+1)+" folders refused a new entry with EROFS")
	return nil
}

func (s *stage) testGate() error {
	if s.setup.GateProbe == "" {
		return nil
	}
	name := s.setup.GateProbe
	fd, err := unix.Open(name, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC, 0o600)
	if err == nil {
		_ = unix.Close(fd)
		_ = unix.Unlink(name)
	}
	if !errors.Is(err, unix.EACCES) {
		return fmt.Errorf("make %q: %w, not a refusal", name, errOrNone(err))
	}
	return nil
}

// testCalls makes a call that the mounts would refuse with another errno than
// the supervisor does.
func (s *stage) testCalls() error {
	if s.setup.CallProbe == "" {
		return nil
	}
	if err := unix.Mkdir(s.setup.CallProbe, 0o700); !errors.Is(err, unix.EACCES) {
		return fmt.Errorf("make %q: %w, not the supervisor's refusal", s.setup.CallProbe, errOrNone(err))
	}
	return nil
}

// SupervisedHint is what to do where the supervisor can do no call in a program's place.
const SupervisedHint = "the call filter of a container or a service refuses pidfd_open, pidfd_getfd or process_vm_readv to openclaw: have it allow them"

// testConnection connects to a name that nobody has. The supervisor says so once it
// has read the name and taken a duplicate of the socket; where it cannot, every
// connection of the run would be refused, and no denial would say why.
func testConnection() error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("make a socket: %w", err)
	}
	defer func() { _ = unix.Close(fd) }()
	err = unix.Connect(fd, &unix.SockaddrUnix{Name: "/dev/" + probeName}) // in the cage's own memory
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	return fmt.Errorf("reach a socket, which the supervisor does in the command's place: %w", errOrNone(err))
}

func errOrNone(err error) error {
	if err == nil {
		return errors.New("it worked")
	}
	return err
}

// testThread reads what the kernel says of the calling thread.
func testThread() ([]Proof, error) {
	text, err := os.ReadFile("/proc/thread-self/status")
	if err != nil {
		return nil, err
	}
	want := map[string]string{
		"CapInh": "0", "CapPrm": "0", "CapEff": "0", "CapBnd": "0", "CapAmb": "0", "NoNewPrivs": "1", "Seccomp": "2",
	}
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		expected, ok := want[key]
		if !ok {
			continue
		}
		if strings.HasPrefix(key, "Cap") {
			value = strings.TrimLeft(value, "0") + "0"
			value = value[:max(1, len(value)-1)]
		}
		if value != expected {
			return nil, fmt.Errorf("%s is %s", key, value)
		}
		delete(want, key)
	}
	if len(want) != 0 {
		return nil, fmt.Errorf("the kernel does not say: %v", want)
	}
	return []Proof{
		{"capabilities", "none left, none to gain"},
		{"call filter", "in force for the command's thread"},
		{"no new privileges", "set: no set-uid program gains anything"},
	}, nil
}
