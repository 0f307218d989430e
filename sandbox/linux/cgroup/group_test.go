//go:build linux

package cgroup

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Everything that needs a kernel with the controllers, in one start of it.
func TestGroups(t *testing.T) {
	if !onKernel(t) {
		return
	}
	for _, c := range []struct {
		name string
		test func(*testing.T)
	}{
		{"memory", testMemory}, {"narrowed at once", testNarrowedAtOnce}, {"processes", testPIDs}, {"processor", testCPU},
		{"left behind", testSweep}, {"ordinary user", testOrdinaryUser},
	} {
		t.Run(c.name, c.test)
	}
}

func group(t *testing.T) *Group {
	t.Helper()
	place, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	g, err := place.Make()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Remove() })
	return g
}

// running is a child in a group.
type running struct {
	*exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// run starts a child as the cage's first process is started, and moves it as
// the command is moved.
func run(t *testing.T, g *Group, what string) *running {
	t.Helper()
	command := exec.Command("/proc/self/exe")
	command.Env = append(os.Environ(), childVariable+"="+what)
	command.Stderr = os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: g.FD(), Pdeathsig: syscall.SIGKILL}
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	if !g.Holds(command.Process.Pid) {
		t.Error("the child was not born in the group")
	}
	if err := g.Take(command.Process.Pid); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(in, "x"); err != nil {
		t.Fatal(err)
	}
	return &running{command, in, bufio.NewReader(out)}
}

func (r *running) line(t *testing.T) string {
	t.Helper()
	line, err := r.out.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// told collects events.
type told struct {
	mu    sync.Mutex
	count map[string]int
}

func (e *told) add(event Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.count == nil {
		e.count = map[string]int{}
	}
	e.count[event.Controller] += event.Count
}

func (e *told) of(controller string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.count[controller]
}

// until polls; a limit of the kernel's may take its time.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

// More memory than the limit ends the run, all of it, and is told.
func testMemory(t *testing.T) {
	t.Helper()
	g := group(t)
	if err := g.Set(Limits{Memory: 64 << 20}); err != nil {
		t.Fatal(err)
	}
	var events told
	if err := g.Watch(events.add); err != nil {
		t.Fatal(err)
	}
	within := run(t, g, "eat 16")
	if got := within.line(t); got != "eaten" {
		t.Fatalf("within the limit: %q", got)
	}
	beyond := run(t, g, "eat 128")
	if got := beyond.line(t); got == "eaten" {
		t.Error("twice the limit was taken")
	}
	for _, child := range []*running{beyond, within} {
		_ = child.Wait()
		if status, ok := child.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
			t.Errorf("ended with %v", child.ProcessState)
		}
	}
	until(t, "event", func() bool { return events.of(Memory) > 0 })
}

// A limit that is lowered holds for what runs already.
func testNarrowedAtOnce(t *testing.T) {
	t.Helper()
	g := group(t)
	if err := g.Set(Limits{Memory: 200 << 20}); err != nil {
		t.Fatal(err)
	}
	child := run(t, g, "eat 100")
	if got := child.line(t); got != "eaten" {
		t.Fatal(got)
	}
	if err := g.Set(Limits{Memory: 48 << 20, PIDs: 7}); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	if status, ok := child.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		t.Errorf("ended with %v", child.ProcessState)
	}
	if err := g.Set(Limits{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"memory.max", "memory.swap.max", "command/pids.max"} {
		if text, err := os.ReadFile(path.Join(g.dir, name)); strings.TrimSpace(string(text)) != "max" && !os.IsNotExist(err) {
			t.Errorf("%s is %q after limits were lifted", name, text)
		}
	}
}

// So many processes and not one more, told; also for a command that makes a
// user and a cgroup namespace and mounts its view.
func testPIDs(t *testing.T) {
	t.Helper()
	g := group(t)
	const most = 30
	if err := g.Set(Limits{PIDs: most, Memory: 128 << 20}); err != nil {
		t.Fatal(err)
	}
	var events told
	if err := g.Watch(events.add); err != nil {
		t.Fatal(err)
	}
	raised := run(t, g, "raise")
	view, err := io.ReadAll(raised.out)
	if err != nil {
		t.Fatal(err)
	}
	if err := raised.Wait(); err != nil || !strings.Contains(string(view), "cgroup.procs") || !strings.Contains(string(view), "<nil>") {
		t.Fatalf("the namespace was not made: %v %s", err, view)
	}
	if strings.Contains(string(view), "./pids") {
		t.Errorf("its limit is in sight of the command: %s", view)
	}
	forker := run(t, g, "fork 100")
	var made int
	if _, err := fmt.Sscanf(forker.line(t), "made %d", &made); err != nil {
		t.Fatal(err)
	}
	if made == 0 || made >= most {
		t.Errorf("%d processes were made under a limit of %d", made, most)
	}
	until(t, "event", func() bool { return events.of(PIDs) > 0 })
	// The group goes with all that was left in it, what the command made there too.
	dir := g.dir
	if err := g.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the group is still there")
	}
	if _, err := os.Stat(path.Dir(dir)); err == nil {
		t.Error("the folder of all groups is still there")
	}
	_ = forker.Wait()
}

// A fifth of a core is a fifth of a core.
func testCPU(t *testing.T) {
	t.Helper()
	g := group(t)
	if err := g.Set(Limits{CPU: 200}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path.Join(g.dir, "cpu.max")); err != nil || strings.TrimSpace(string(text)) != "20000 100000" {
		t.Errorf("cpu.max %q %v", text, err)
	}
	child := run(t, g, "spin 90000")
	until(t, "held back", func() bool { // on a busy machine it takes a while until it gets so much at all
		stat, err := os.ReadFile(path.Join(g.dir, "cpu.stat"))
		if err != nil {
			t.Fatal(err)
		}
		var throttled int
		for line := range strings.Lines(string(stat)) {
			if _, err := fmt.Sscanf(line, "nr_throttled %d", &throttled); err == nil {
				break
			}
		}
		return throttled > 0
	})
	_ = child.Process.Kill()
	_ = child.Wait()
}

// What a killed supervisor left is removed by the next; what a living one holds
// is not.
func testSweep(t *testing.T) {
	t.Helper()
	leave := func() (dir string, sleeper int, supervisor *exec.Cmd) {
		t.Helper()
		command := exec.Command("/proc/self/exe")
		command.Env = append(os.Environ(), childVariable+"=leave")
		command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		out, err := command.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fscan(out, &dir, &sleeper); err != nil {
			t.Fatal(err)
		}
		return dir, sleeper, command
	}
	lost, sleeper, killed := leave()
	held, other, living := leave()
	_ = killed.Process.Kill()
	_ = killed.Wait()
	if _, err := os.Stat(lost); err != nil {
		t.Fatal("nothing was left behind: the test tests nothing")
	}
	g := group(t)
	if _, err := os.Stat(lost); err == nil {
		t.Error("the killed supervisor's group is still there")
	}
	until(t, "the left process ends", func() bool { return !alive(sleeper) })
	if _, err := os.Stat(held); err != nil || !alive(other) {
		t.Errorf("the living supervisor lost its group: %v", err)
	}
	if err := g.Remove(); err != nil {
		t.Error(err)
	}
	_ = living.Process.Kill()
	_ = living.Wait()
	if err := group(t).Remove(); err != nil {
		t.Error(err)
	}
	if alive(other) {
		t.Error("the second left process lives")
	}
}

func alive(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(text), ") Z ")
}

// An ordinary user has the place that was given to them, in each of the ways
// that it is given, and is told how to get one otherwise.
func testOrdinaryUser(t *testing.T) {
	t.Helper()
	const user = 1000
	give := func(dir string) {
		t.Helper()
		for _, name := range []string{"", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"} {
			if err := os.Chown(path.Join(dir, name), user, user); err != nil {
				t.Fatal(err)
			}
		}
	}
	make := func(name string) string {
		t.Helper()
		dir := path.Join(groupsRoot, name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	if err := write(path.Join(groupsRoot, "cgroup.subtree_control"), "+memory +pids +cpu"); err != nil {
		t.Fatal(err)
	}
	// As below user@1000.service: a tree of the user's, this process in a leaf.
	give(make("manager"))
	give(make("manager/shell"))
	// As systemd-run -p Delegate=yes: the group itself, with the process in it.
	delegated := make("delegated")
	give(delegated)
	if err := unix.Setxattr(delegated, "user.delegate", []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	// The same without a word of systemd's; and as a session over ssh.
	give(make("undeclared"))
	make("session")
	for _, c := range []struct{ group, want string }{
		{"manager/shell", "/manager [memory pids cpu] <nil> 10 <nil>"},
		{"delegated", "/delegated [memory pids cpu] <nil> 10 <nil>"},
		{"delegated", "/delegated [memory pids cpu] <nil> 10 <nil>"}, // once more, from the group that it moved to
		{"undeclared", "error: find a place for control groups: /undeclared holds processes and is not delegated"},
		{"session", "error: find a place for control groups: /session: permission denied"},
	} {
		at := c.group
		if _, err := os.Stat(path.Join(groupsRoot, at, outsideName)); err == nil {
			at = path.Join(at, outsideName)
		}
		folder, err := os.Open(path.Join(groupsRoot, at))
		if err != nil {
			t.Fatal(err)
		}
		command := exec.Command("/proc/self/exe")
		command.Env = append(os.Environ(), childVariable+"=find")
		command.SysProcAttr = &syscall.SysProcAttr{
			UseCgroupFD: true, CgroupFD: int(folder.Fd()), Credential: &syscall.Credential{Uid: user, Gid: user},
		}
		out, err := command.CombinedOutput()
		_ = folder.Close()
		if err != nil || strings.TrimSpace(string(out)) != c.want {
			t.Errorf("in %s: %v\n got %s\nwant %s", c.group, err, out, c.want)
		}
	}
}
