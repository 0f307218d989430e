package sandbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// require skips a test on a machine that cannot run it, unless everything is
// required.
func require(tb testing.TB, ok bool, reason string) {
	tb.Helper()
	if ok {
		return
	}
	if os.Getenv("OPENCLAW_TEST_REQUIRE") == "all" {
		tb.Fatal(reason)
	}
	tb.Skip(reason)
}

// world is a home folder with a person's files in it, and an agent.
type world struct {
	t     testing.TB
	home  string
	perms policy.Permissions
	run   string
}

// ways runs a test once for each kind of network.
func ways(t *testing.T, test func(t *testing.T, way string)) {
	t.Helper()
	for _, way := range []string{"redirect", "tun"} {
		t.Run(way, func(t *testing.T) { test(t, way) })
	}
}

// newWorld makes a home outside /tmp, which every cage has of its own.
func newWorld(tb testing.TB) *world {
	tb.Helper()
	device, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	require(tb, err == nil, "the FUSE device cannot be opened")
	if err == nil {
		_ = device.Close()
	}
	home, err := os.MkdirTemp("/var/tmp", "openclaw-cage-test-") //nolint:usetesting // tb.TempDir may lie in /tmp
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(home) })
	w := &world{t: tb, home: home, run: "run-1"}
	w.write(".ssh/id_ed25519", "the private key")
	w.write(".bashrc", "alias ll='ls -l'")
	w.write("project/main.go", "package main")
	w.write("project/secret/key", "the project's key")
	w.write("project/.env", "PASSWORD=x")
	w.write("project/deep/er/hidden/file", "hidden")
	w.write("other/notes.txt", "notes")
	return w
}

func (w *world) path(name string) string { return filepath.Join(w.home, name) }

func (w *world) write(name, content string) {
	w.t.Helper()
	full := w.path(name)
	if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := writeFile(full, []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// writeFile is os.WriteFile for what may be executed at once: a child that is being
// started has this process's descriptors until it executes, and a file that somebody
// may write cannot be executed.
func writeFile(name string, content []byte, mode os.FileMode) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(name, content, mode)
}

func (w *world) read(name string) string {
	w.t.Helper()
	content, err := os.ReadFile(w.path(name))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(content)
}

// names lists everything below a folder.
func (w *world) names(name string) []string {
	w.t.Helper()
	var names []string
	err := filepath.WalkDir(w.path(name), func(at string, _ fs.DirEntry, err error) error {
		names = append(names, strings.TrimPrefix(at, w.home))
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return names
}

func (w *world) exists(name string) bool {
	_, err := os.Lstat(w.path(name))
	return err == nil
}

func (w *world) allow(names ...string) *world {
	for _, name := range names {
		w.perms.AllowedPaths = append(w.perms.AllowedPaths, policy.PathEntry{Path: w.path(name)})
	}
	return w
}

func (w *world) allowRead(name string) *world {
	w.perms.AllowedPaths = append(w.perms.AllowedPaths, policy.PathEntry{Path: w.path(name), Access: policy.AccessRead})
	return w
}

func (w *world) deny(names ...string) *world {
	for _, name := range names {
		w.perms.DeniedPaths = append(w.perms.DeniedPaths, w.path(name))
	}
	return w
}

func (w *world) policy() *policy.Policy {
	w.t.Helper()
	p, err := compile(w.home, w.perms)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func compile(home string, perms policy.Permissions) (*policy.Policy, error) {
	p, problems := policy.Compile(policy.Input{
		Agent: "coder", Home: home, StateDir: filepath.Join(home, ".openclaw"), Own: perms, OwnKey: "agents.coder",
		Getenv: func(string) string { return "" },
	})
	for _, problem := range problems {
		if !problem.Warning {
			return nil, fmt.Errorf("%s: %s", problem.Key, problem.Message)
		}
	}
	return p, nil
}

func (w *world) spec(command ...string) sandbox.Spec {
	return sandbox.Spec{
		Agent: "coder", Run: w.run, Policy: w.policy(), Command: command,
		Env: []string{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + w.home, "LC_ALL=C"},
	}
}

// result is what came of a command in a cage.
type result struct {
	out, err string
	status   sandbox.ExitStatus
	denials  []sandbox.Denial
	report   sandbox.Report
}

// start runs a command and collects what it says. The returned function waits.
func start(tb testing.TB, spec sandbox.Spec) (*sandbox.Process, func() result) {
	tb.Helper()
	return startBy(tb, "", spec)
}

// startBy is start with one of the two kinds of network.
func startBy(tb testing.TB, way string, spec sandbox.Spec) (*sandbox.Process, func() result) {
	tb.Helper()
	process, wait, err := tryStartBy(tb, way, spec)
	if err != nil {
		tb.Fatalf("start %q: %v (%s)", spec.Command, err, hintOf(err))
	}
	return process, wait
}

func hintOf(err error) string {
	if typed, ok := errors.AsType[*sandbox.Error](err); ok {
		return typed.Hint
	}
	return ""
}

func tryStart(tb testing.TB, spec sandbox.Spec) (*sandbox.Process, func() result, error) {
	tb.Helper()
	return tryStartBy(tb, "", spec)
}

func tryStartBy(tb testing.TB, way string, spec sandbox.Spec) (*sandbox.Process, func() result, error) {
	tb.Helper()
	var res result
	var readers sync.WaitGroup
	var theirs []*os.File
	capture := func(into *string) *os.File {
		read, write, err := os.Pipe()
		if err != nil {
			tb.Fatal(err)
		}
		readers.Go(func() {
			var text bytes.Buffer
			_, _ = io.Copy(&text, read)
			_ = read.Close()
			*into = text.String()
		})
		theirs = append(theirs, write)
		return write
	}
	if spec.Stdout == nil {
		spec.Stdout = capture(&res.out)
	}
	if spec.Stderr == nil {
		spec.Stderr = capture(&res.err)
	}
	if tell := spec.Denied; tell == nil {
		spec.Denied = func(d sandbox.Denial) { res.denials = append(res.denials, d) }
	}
	cage, err := sandbox.New(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	cage.UseWay(way)
	cage.LookFor(2 * time.Second)
	if spec.Policy != nil && spec.Policy.Enforce == policy.EnforceReduced {
		cage = cage.OnlyReduced()
	}
	cage.LookUpWith(func(_ context.Context, host string) ([]netip.Addr, error) {
		if host == "allowed.test" {
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		}
		return nil, fmt.Errorf("no address for %s", host)
	})
	process, err := cage.Start(context.WithoutCancel(tb.Context()), spec)
	for _, file := range theirs {
		_ = file.Close()
	}
	if err != nil {
		readers.Wait()
		return nil, nil, err
	}
	return process, func() result {
		tb.Helper()
		status, err := process.Wait()
		if err != nil {
			tb.Fatal(err)
		}
		readers.Wait()
		res.status, res.report = status, process.Report()
		return res
	}, nil
}

// sh runs a shell script in a cage.
func (w *world) sh(script string) result {
	w.t.Helper()
	_, wait := start(w.t, w.spec("sh", "-c", script))
	return wait()
}

// brief is a denial in one line: class, operation, path below home.
func (w *world) brief(list []sandbox.Denial) []string {
	var lines []string
	for _, d := range list {
		lines = append(lines, fmt.Sprintf("%s %s %s", d.Class, d.Operation, strings.Replace(d.Target, w.home, "~", 1)))
	}
	return lines
}

// ordinary re-executes one test as an ordinary user when this is root, so that
// everything is proven for both.
func ordinary(t *testing.T, pattern string) {
	t.Helper()
	if os.Getuid() != 0 {
		return // the tests themselves run as one
	}
	asUser(t, pattern, func(*exec.Cmd) {})
}

// ordinaryUser is nobody's number.
const ordinaryUser = 64123

// asUser re-executes tests as an ordinary user, by a command that is prepared first.
func asUser(t *testing.T, pattern string, prepare func(*exec.Cmd)) {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "openclaw-cage-user-") //nolint:usetesting // no other user gets into t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	program := filepath.Join(dir, "test")
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := writeFile(program, self, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), program, "-test.run", pattern, "-test.v")
	command.Dir = "/"
	command.Env = append(os.Environ(), "HOME=/nonexistent", "TMPDIR=/var/tmp")
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: ordinaryUser, Gid: ordinaryUser}, Pdeathsig: syscall.SIGKILL}
	prepare(command)
	out, err := command.CombinedOutput()
	if err != nil {
		t.Errorf("as user %d: %v\n%s", ordinaryUser, err, out)
	} else if strings.Contains(string(out), "no tests to run") || !strings.Contains(string(out), "--- PASS") {
		t.Errorf("as user %d nothing was tested:\n%s", ordinaryUser, out)
	}
}
