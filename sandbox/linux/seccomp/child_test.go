//go:build linux

package seccomp

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A filter cannot be taken off, so what the kernel enforces is tried in a
// child: this test program once more, in a role named by the environment.
const roleVariable = "OPENCLAW_SECCOMP_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		if err := play(role); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, role+":", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// need ends a test that this machine cannot run.
func need(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("OPENCLAW_TEST_REQUIRE") == "all" {
		t.Fatalf("needs %s", what)
	}
	t.Skipf("needs %s", what)
}

// program is a copy of this test program that every user can execute.
func program(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for _, open := range []string{folder, filepath.Dir(folder)} {
		if err := os.Chmod(open, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	from, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = from.Close() }()
	name := filepath.Join(folder, "program")
	to, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = io.Copy(to, from); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return name
}

// asEachUser runs a test as this user and, when that is root, as nobody.
func asEachUser(t *testing.T, f func(t *testing.T, start func(role string) *exec.Cmd)) {
	t.Helper()
	name := program(t)
	starter := func(t *testing.T, id int) func(string) *exec.Cmd {
		t.Helper()
		return func(role string) *exec.Cmd {
			cmd := exec.CommandContext(t.Context(), name)
			cmd.Env = []string{roleVariable + "=" + role, "GORACE=atexit_sleep_ms=0"}
			cmd.Stderr = os.Stderr
			cmd.Dir = "/"
			cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
			if id >= 0 {
				cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(id), Gid: uint32(id)}
			}
			return cmd
		}
	}
	t.Run("this user", func(t *testing.T) { f(t, starter(t, -1)) })
	t.Run("ordinary user", func(t *testing.T) {
		if os.Getuid() != 0 {
			t.Skip("this user is one")
		}
		f(t, starter(t, 65534))
	})
}

// play is what the child does.
func play(role string) error {
	runtime.LockOSThread()
	switch role {
	case "try":
		return try(false)
	case "try filtered":
		return try(true)
	case "supervise":
		return supervise()
	case "watched":
		return watched()
	case "without no_new_privs":
		filter, err := Build(Options{})
		if err != nil {
			return err
		}
		if _, err := Install(filter, false); err == nil {
			return errors.New("the filter was installed")
		}
		return nil
	}
	return errors.New("no such role")
}

func install(listener bool) (int, error) {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return -1, err
	}
	filter, err := Build(Options{Notify: listener})
	if err != nil {
		return -1, err
	}
	return Install(filter, listener)
}

const invalid = ^uintptr(0)

// try makes every call that the filter refuses and some that it must not, and
// prints what came of each.
func try(filtered bool) error {
	if filtered {
		if _, err := install(false); err != nil {
			return err
		}
	}
	results := map[string]int{}
	for name, attempt := range attempts() {
		results[name] = int(attempt())
	}
	if filtered {
		for _, r := range table() {
			if number := r.number(runtime.GOARCH); number != none && strings.Contains(" "+strings.Join(strings.Fields(refusedOutright), " ")+" clone3 openat2 ", " "+r.name+" ") {
				_, _, e := unix.RawSyscall6(uintptr(number), invalid, invalid, invalid, invalid, invalid, invalid)
				results[r.name] = int(e)
			}
		}
	}
	return json.NewEncoder(os.Stdout).Encode(results)
}

func code(err error) unix.Errno {
	if e, ok := errors.AsType[unix.Errno](err); ok {
		return e
	}
	if err != nil {
		return unix.EIO
	}
	return 0
}

func socket(family, kind, protocol int) unix.Errno {
	fd, err := unix.Socket(family, kind, protocol)
	if err == nil {
		_ = unix.Close(fd)
	}
	return code(err)
}

func raw(number uintptr, a ...uintptr) unix.Errno {
	var args [6]uintptr
	copy(args[:], a)
	_, _, e := unix.RawSyscall6(number, args[0], args[1], args[2], args[3], args[4], args[5])
	return e
}

// attempts are calls that succeed, or fail in another way, without the filter.
func attempts() map[string]func() unix.Errno {
	return map[string]func() unix.Errno{
		"read a file": func() unix.Errno { _, err := os.ReadFile("/proc/self/stat"); return code(err) },
		"run a program": func() unix.Errno {
			return code(exec.Command("/bin/true").Run())
		},
		"new thread": func() unix.Errno {
			done := make(chan bool)
			go func() { runtime.LockOSThread(); done <- true }()
			<-done
			return 0
		},
		"TCP socket":   func() unix.Errno { return socket(unix.AF_INET, unix.SOCK_STREAM, 0) },
		"UNIX socket":  func() unix.Errno { return socket(unix.AF_UNIX, unix.SOCK_STREAM, 0) },
		"route socket": func() unix.Errno { return socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE) },
		"refused: generic netlink": func() unix.Errno {
			return socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_GENERIC)
		},
		"refused: MPTCP": func() unix.Errno { return raw(unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP) },
		"refused: set-uid file": func() unix.Errno {
			name := fmt.Sprintf("/tmp/seccomp-test-%d", os.Getpid())
			fd, err := unix.Open(name, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY, 0o4700)
			if err == nil {
				_ = unix.Close(fd)
				_ = unix.Unlink(name)
			}
			return code(err)
		},
		"refused: set-uid bit": func() unix.Errno {
			f, err := os.CreateTemp("", "seccomp-test")
			if err != nil {
				return unix.EIO
			}
			defer func() { _ = f.Close(); _ = os.Remove(f.Name()) }()
			return code(unix.Fchmod(int(f.Fd()), 0o4700))
		},
		"refused: fast open": func() unix.Errno {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
			if err != nil {
				return unix.EIO
			}
			defer func() { _ = unix.Close(fd) }()
			return code(unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_FASTOPEN_CONNECT, 1))
		},
		"refused: user namespace":  func() unix.Errno { return raw(unix.SYS_UNSHARE, unix.CLONE_NEWUSER|1<<40) },
		"refused: terminal insert": func() unix.Errno { return raw(unix.SYS_IOCTL, invalid, unix.TIOCSTI) },
		"refused: read implies execute": func() unix.Errno {
			return raw(unix.SYS_PERSONALITY, 0x0400000)
		},
		"refused: number of the future": func() unix.Errno { return raw(newestCall + 1) },
	}
}

// supervise is a cage's supervisor in small: it starts a watched child, takes
// its listener, answers by what the names say, and prints what it saw.
func supervise() error {
	ours, theirs, err := socketPair()
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "seccomp-test")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{roleVariable + "=watched", "FOLDER=" + folder, "GORACE=atexit_sleep_ms=0"}
	cmd.Stderr, cmd.Dir = os.Stderr, folder
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	_ = theirs.Close()
	fd, err := receiveDescriptor(ours)
	if err != nil {
		return err
	}
	seen := watch(fd, cmd.Process.Pid, folder)
	said, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return fmt.Errorf("the watched child: %w", err)
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("the watched child: %w", err)
	}
	return json.NewEncoder(os.Stdout).Encode(supervised{Calls: seen(), Said: said})
}
