//go:build linux

package harden

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// None of these can be taken back, so each is tried in a child: this test
// program once more, in a role named by the environment.
const roleVariable = "OPENCLAW_HARDEN_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		runtime.LockOSThread()
		if err := roles()[role](); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func need(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("OPENCLAW_TEST_REQUIRE") == "all" {
		t.Fatalf("needs %s", what)
	}
	t.Skipf("needs %s", what)
}

// play runs a role as this user and, when that is root, as nobody.
func play(t *testing.T, role string, files []*os.File, env ...string) {
	t.Helper()
	name := program(t)
	for _, id := range []int{-1, 65534} {
		if id >= 0 && os.Getuid() != 0 {
			continue
		}
		cmd := exec.CommandContext(t.Context(), name)
		cmd.Env = append([]string{roleVariable + "=" + role, "GORACE=atexit_sleep_ms=0"}, env...)
		cmd.ExtraFiles, cmd.Dir = files, "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if id >= 0 {
			cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(id), Gid: uint32(id)}
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("as user %d: %v: %s", id, err, out)
		}
	}
}

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

func roles() map[string]func() error {
	return map[string]func() error{
		"drop":        drop,
		"one lock":    oneLock,
		"descriptors": descriptors,
		"size":        size,
		"dumpable":    dumpable,
		"scopes":      scopes,
		"status":      status,
	}
}

// become executes this program in another role, from this very thread.
func become(role string) error {
	return unix.Exec("/proc/self/exe", []string{"x"}, []string{roleVariable + "=" + role})
}

func drop() error {
	if err := NoNewPrivileges(); err != nil {
		return err
	}
	if err := DropCapabilities(); err != nil {
		return err
	}
	if err := unix.Sethostname([]byte("x")); !errors.Is(err, unix.EPERM) {
		return fmt.Errorf("sethostname: %w", err)
	}
	return become("status")
}

// status fails when the program that drop became has a capability, also as
// root, or could gain one.
func status() error {
	text, err := os.ReadFile("/proc/thread-self/status")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":\t")
		switch key {
		case "CapInh", "CapPrm", "CapEff", "CapAmb":
			if strings.Trim(value, "0") != "" {
				return fmt.Errorf("%s after execve: %s", key, value)
			}
		case "CapBnd":
			if os.Getuid() == 0 && strings.Trim(value, "0") != "" {
				return fmt.Errorf("bounding set: %s", value)
			}
		case "NoNewPrivs":
			if value != "1" {
				return errors.New("no_new_privs is lost")
			}
		}
	}
	return nil
}

func TestNoCapabilityStaysOrComesBack(t *testing.T) { play(t, "drop", nil) }

// oneLock: an ordinary user cannot empty the bounding set, so no_new_privs has
// to stand first.
func oneLock() error {
	if os.Getuid() == 0 {
		return nil
	}
	var refused *Error
	if err := DropCapabilities(); !errors.As(err, &refused) || refused.Hint == "" {
		return fmt.Errorf("the bounding set stayed and nothing was said: %w", err)
	}
	if _, err := RestrictScopes(); !errors.As(err, &refused) || refused.Hint == "" {
		return fmt.Errorf("scopes without no_new_privs: %w", err)
	}
	return nil
}

func TestMissingLocksAreNamed(t *testing.T) { play(t, "one lock", nil) }

func descriptors() error {
	for fd := 3; fd < 6; fd++ {
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC != 0 {
			return fmt.Errorf("descriptor %d was not inherited: %w", fd, err)
		}
	}
	if err := CloseDescriptors(4); err != nil {
		return err
	}
	cmd := exec.Command("/bin/sh", "-c", "[ -e /proc/self/fd/3 ] && [ ! -e /proc/self/fd/4 ] && [ ! -e /proc/self/fd/5 ]")
	return unix.Exec(cmd.Path, cmd.Args, nil)
}

func TestInheritedDescriptorsEndAtExec(t *testing.T) {
	var files []*os.File
	for range 3 {
		f, err := os.Open("/dev/null")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		files = append(files, f)
	}
	play(t, "descriptors", files)
}

func size() error {
	if err := LimitFileSize(0); err == nil {
		return errors.New("0 was taken for a size")
	}
	if err := LimitFileSize(100); err != nil {
		return err
	}
	signal.Ignore(unix.SIGXFSZ)
	f, err := os.CreateTemp("", "harden-test")
	if err != nil {
		return err
	}
	defer func() { _ = f.Close(); _ = os.Remove(f.Name()) }()
	if n, err := f.Write(make([]byte, 200)); n != 100 || !errors.Is(err, unix.EFBIG) {
		return fmt.Errorf("wrote %d: %w", n, err)
	}
	if err := f.Truncate(101); !errors.Is(err, unix.EFBIG) {
		return fmt.Errorf("truncate: %w", err)
	}
	if _, err := f.WriteAt([]byte("x"), 1<<40); !errors.Is(err, unix.EFBIG) {
		return fmt.Errorf("far write: %w", err)
	}
	if err := DropCapabilities(); err != nil && os.Getuid() == 0 {
		return err
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 1000, Max: 1000}); !errors.Is(err, unix.EPERM) {
		return fmt.Errorf("the limit was raised again: %w", err)
	}
	return nil
}

func TestFilesStayBelowTheLimit(t *testing.T) { play(t, "size", nil) }

func dumpable() error {
	if err := NotDumpable(); err != nil {
		return err
	}
	if set, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); err != nil || set != 0 {
		return fmt.Errorf("dumpable is %d: %w", set, err)
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &limit); err != nil || limit.Max != 0 {
		return fmt.Errorf("core limit %d: %w", limit.Max, err)
	}
	return nil
}

func TestNoCoreDumps(t *testing.T) { play(t, "dumpable", nil) }

// scopes: its parent's abstract socket and signals are reachable before, and
// not after; its own are.
func scopes() error {
	parent := os.Getppid()
	dial := func() error {
		c, err := net.Dial("unix", os.Getenv("SOCKET"))
		if err == nil {
			_ = c.Close()
		}
		return err
	}
	if err := dial(); err != nil {
		return fmt.Errorf("before: %w", err)
	}
	if err := NoNewPrivileges(); err != nil {
		return err
	}
	if _, err := RestrictScopes(); err != nil {
		return err
	}
	// net.Dial may use another thread only while it waits; the call itself is
	// made on this one.
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: os.Getenv("SOCKET")}); !errors.Is(err, unix.EPERM) {
		return fmt.Errorf("the parent's abstract socket: %w", err)
	}
	if err := unix.Kill(parent, 0); !errors.Is(err, unix.EPERM) {
		return fmt.Errorf("a signal to the parent: %w", err)
	}
	own, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	name := &unix.SockaddrUnix{Name: "@harden-own-" + strconv.Itoa(os.Getpid())}
	if err := errors.Join(unix.Bind(own, name), unix.Listen(own, 1)); err != nil {
		return err
	}
	if err := unix.Connect(fd, name); err != nil {
		return fmt.Errorf("its own abstract socket: %w", err)
	}
	return nil
}

func TestScopesCutTheOutsideOff(t *testing.T) {
	if version, err := LandlockVersion(); err != nil || version < landlockVersionWithScopes {
		need(t, fmt.Sprintf("Landlock 6; there is %d (%v)", version, err))
	}
	name := "@harden-test-" + strconv.Itoa(os.Getpid())
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	play(t, "scopes", nil, "SOCKET="+name)
}
