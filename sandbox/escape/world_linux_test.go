package escape_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// The test program is the attempts' program, and the inside of the cages.
const (
	attemptVariable = "OPENCLAW_ESCAPE_ATTEMPT"
	homeVariable    = "OPENCLAW_ESCAPE_HOME"
	hintVariable    = "OPENCLAW_ESCAPE_HINT"
	insideVariable  = "OPENCLAW_ESCAPE_INSIDE" // set for an attempt in a cage

	exitEscaped = 0
	exitHeld    = 10
)

func TestMain(m *testing.M) {
	if handled, code := sandbox.RunStage(os.Args); handled {
		os.Exit(code)
	}
	lack()
	if home := os.Getenv(superviseVariable); home != "" {
		os.Exit(supervise(home))
	}
	if name := os.Getenv(attemptVariable); name != "" {
		os.Exit(attempt(name))
	}
	os.Exit(m.Run())
}

// attempt runs one attempt in this process.
func attempt(name string) int {
	at := place{home: os.Getenv(homeVariable), hint: os.Getenv(hintVariable)}
	switch name {
	case togetherName:
		return allTogether()
	case fuzzName:
		return fuzz(at)
	case fuzzWorker:
		return worker(at)
	}
	for _, e := range attempts() {
		if e.name != name {
			continue
		}
		if err := e.run(at); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return exitHeld
		}
		return exitEscaped
	}
	fmt.Fprintln(os.Stderr, "no such attempt")
	return 99
}

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

// place is what an attempt knows: the person's home, and what its preparation
// left for it.
type place struct{ home, hint string }

func (p place) path(name string) string { return filepath.Join(p.home, name) }

// secret is what no attempt may read.
const secret = "the secret that the cage keeps"

// world is a home folder with a person's files in it.
type world struct {
	place
	t          testing.TB
	perms      policy.Permissions
	spec       func(*sandbox.Spec) // nil: as it is
	stdin, tty *os.File
	group      int  // outside a cage the attempt joins this process group; 0: one of its own
	session    bool // outside a cage it has a session of its own
	reduced    bool // it is for a cage without namespaces
	landlock   int  // the cage uses no newer version; 0: what there is
	inCage     bool // what is prepared is for an attempt in a cage

	noted map[string]int // by prepare, for check
}

// patience is how long what the attempt did is looked for: outside a cage, where
// it must show, as long as a busy machine may need; inside, where it must not, as
// long as it takes on a quiet one.
func (w *world) patience(quiet time.Duration) time.Duration {
	if w.inCage {
		return quiet
	}
	return 20 * time.Second
}

// newWorld makes a home outside /tmp, which every cage has of its own.
func newWorld(tb testing.TB, program string) *world {
	tb.Helper()
	device, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	require(tb, err == nil, "the FUSE device cannot be opened")
	if err == nil {
		_ = device.Close()
	}
	home, err := os.MkdirTemp("/var/tmp", "openclaw-escape-") //nolint:usetesting // t.TempDir may lie in /tmp
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(home) })
	w := &world{t: tb, place: place{home: home}, noted: map[string]int{}}
	w.furnish(program)
	return w
}

func (w *world) write(name, content string) {
	w.t.Helper()
	full := w.path(name)
	if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) policy() *policy.Policy {
	w.t.Helper()
	p, err := w.compile()
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) compile() (*policy.Policy, error) {
	p, problems := policy.Compile(policy.Input{
		Agent: "coder", Home: w.home, StateDir: w.path(".openclaw"), Own: w.perms, OwnKey: "agents.coder",
		Getenv: func(string) string { return "" },
	})
	for _, problem := range problems {
		if !problem.Warning {
			return nil, fmt.Errorf("%s: %s", problem.Key, problem.Message)
		}
	}
	return p, nil
}

func (w *world) environment(name string, inside bool) []string {
	in := ""
	if inside {
		in = "yes"
	}
	return []string{
		"GORACE=atexit_sleep_ms=0", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + w.home, "LC_ALL=C",
		attemptVariable + "=" + name, homeVariable + "=" + w.home, hintVariable + "=" + w.hint,
		insideVariable + "=" + in,
	}
}

// program puts a copy of this program where cages can execute it. The worlds
// link to it: a file that was just written cannot always be executed while
// other programs start.
func program(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "openclaw-escape-program-") //nolint:usetesting // as the worlds: links do not leave a file system
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "attempt")
	if err := os.WriteFile(name, self, 0o755); err != nil {
		t.Fatal(err)
	}
	return name
}

const attemptTimeout = 60 * time.Second

// free runs an attempt outside a cage.
func (w *world) free(e try) (code int, text string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), attemptTimeout)
	defer cancel()
	command := exec.CommandContext(ctx, w.path("shared/attempt"))
	command.Env, command.Dir = w.environment(e.name, false), w.path("project")
	if w.stdin != nil {
		command.Stdin = w.stdin
	}
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: w.group, Pdeathsig: syscall.SIGKILL}
	if w.session {
		command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	}
	if e.spaces {
		command.SysProcAttr.Cloneflags = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWNET | unix.CLONE_NEWIPC
		command.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		command.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	err := command.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), out.String()
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return 0, out.String()
}

// result is what came of a command in a cage.
type result struct {
	code    int
	text    string
	denials []sandbox.Denial
	report  sandbox.Report
}

// caged runs an attempt as the command of a cage.
func (w *world) caged(name string) (result, error) {
	w.t.Helper()
	return w.cagedWith(w.path("shared/attempt"), w.path("project"), w.environment(name, true), attemptTimeout)
}

func (w *world) cagedWith(program, dir string, environment []string, limit time.Duration) (result, error) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.t.Context()), limit)
	defer cancel()
	read, write, err := os.Pipe()
	if err != nil {
		w.t.Fatal(err)
	}
	var res result
	var text bytes.Buffer
	var reader sync.WaitGroup
	reader.Go(func() { _, _ = io.Copy(&text, read) })
	spec := sandbox.Spec{
		Agent: "coder", Run: "run-1", Policy: w.policy(), Command: []string{program}, Env: environment, Dir: dir,
		Stdin: w.stdin, Stdout: write, Stderr: write,
		Denied: func(d sandbox.Denial) { res.denials = append(res.denials, d) },
	}
	if w.spec != nil {
		w.spec(&spec)
	}
	cage, err := sandbox.New(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	if w.landlock != 0 {
		cage = cage.UpToLandlock(w.landlock)
	}
	process, err := cage.Start(ctx, spec)
	_ = write.Close()
	if err != nil {
		reader.Wait()
		_ = read.Close()
		return res, err
	}
	status, err := process.Wait()
	reader.Wait()
	_ = read.Close()
	res.code, res.text, res.report = status.Code, text.String(), process.Report()
	return res, err
}

// ordinary re-executes one test as an ordinary user when this is root, so that
// everything is proven for both.
func ordinary(t *testing.T, pattern string) {
	t.Helper()
	if os.Getuid() != 0 {
		return // the tests themselves run as one
	}
	const user = 64123                                            // nobody's
	dir, err := os.MkdirTemp("/var/tmp", "openclaw-escape-user-") //nolint:usetesting // no other user gets into t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	program := filepath.Join(dir, "test")
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, self, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	arguments := []string{"-test.run", pattern, "-test.v"}
	command := exec.CommandContext(t.Context(), program, arguments...)
	command.Dir = "/"
	command.Env = append(os.Environ(), "HOME=/nonexistent", "TMPDIR=/var/tmp")
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user}, Pdeathsig: syscall.SIGKILL}
	out, err := command.CombinedOutput()
	if err != nil {
		t.Errorf("as user %d: %v\n%s", user, err, out)
	} else if strings.Contains(string(out), "no tests to run") || !strings.Contains(string(out), "--- PASS") {
		t.Errorf("as user %d nothing was tested:\n%s", user, out)
	} else {
		t.Logf("%s", out)
	}
}
