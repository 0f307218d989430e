package escape_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"openclaw/sandbox"
	"openclaw/sandbox/mounttest"
	"openclaw/sandbox/policy"
)

const (
	// runsVariable says how many runs must leave nothing; unset: a few.
	runsVariable = "OPENCLAW_ESCAPE_RUNS"

	superviseVariable = "OPENCLAW_ESCAPE_SUPERVISE" // the home of a supervisor that is going to be killed
)

func runs(tb testing.TB, few int) int {
	tb.Helper()
	text := os.Getenv(runsVariable)
	if text == "" {
		return few
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

// remains is what runs may leave behind on the machine.
type remains struct {
	descriptors, goroutines              int
	mounts, processes, namespaces, files []string
}

// remaining looks at the whole machine, at what is of this program or this home.
func remaining(t *testing.T, home string) remains {
	t.Helper()
	mounts, err := mounttest.Table(home)
	if err != nil {
		t.Fatal(err)
	}
	r := remains{descriptors: openDescriptors(t), goroutines: runtime.NumGoroutine(), mounts: mounts}
	own, err := os.Stat("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	ours := map[string]bool{}
	for _, kind := range []string{"mnt", "pid", "net", "user", "ipc", "uts", "cgroup"} {
		ours[namespaceOf("self", kind)] = true
	}
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		pid := filepath.Base(folder)
		if pid == strconv.Itoa(os.Getpid()) || pid == strconv.Itoa(os.Getppid()) {
			continue
		}
		line, _ := os.ReadFile(folder + "/cmdline")
		program, err := os.Stat(folder + "/exe")
		if !strings.Contains(string(line), home) && (err != nil || !os.SameFile(own, program)) {
			continue
		}
		r.processes = append(r.processes, fmt.Sprintf("%s %q", pid, line))
		for _, kind := range []string{"mnt", "pid", "net", "user", "ipc", "uts", "cgroup"} {
			if name := namespaceOf(pid, kind); name != "" && !ours[name] {
				r.namespaces = append(r.namespaces, pid+" "+name)
			}
		}
	}
	for _, where := range []string{home, os.TempDir()} {
		_ = filepath.WalkDir(where, func(name string, _ os.DirEntry, _ error) error { r.files = append(r.files, name); return nil })
	}
	groups, _ := filepath.Glob("/sys/fs/cgroup/*/openclaw*")
	more, _ := filepath.Glob("/sys/fs/cgroup/*/*/openclaw*")
	for _, group := range append(groups, more...) {
		if strings.Contains(group, strconv.Itoa(os.Getpid())) {
			r.files = append(r.files, group)
		}
	}
	return r
}

func namespaceOf(pid, kind string) string {
	name, err := os.Readlink("/proc/" + pid + "/ns/" + kind)
	if err != nil {
		return ""
	}
	return name
}

// since is what is there now and was not before. What an earlier test left to end by
// itself may have been there before, and be gone.
func (r remains) since(before remains) remains {
	added := func(is, was []string) []string {
		return slices.DeleteFunc(is, func(one string) bool { return slices.Contains(was, one) })
	}
	return remains{
		r.descriptors - before.descriptors, r.goroutines - before.goroutines, added(r.mounts, before.mounts),
		added(r.processes, before.processes), added(r.namespaces, before.namespaces), added(r.files, before.files),
	}
}

// same waits until nothing more is there than was.
func (r remains) same(t *testing.T, home string) {
	t.Helper()
	var left remains
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		left = remaining(t, home).since(r)
		if left.descriptors <= 0 && left.goroutines <= 0 && len(left.mounts)+len(left.processes)+len(left.namespaces)+len(left.files) == 0 {
			return
		}
	}
	t.Errorf("%d descriptors and %d goroutines more, mounts %q, processes %q, namespaces %q, files %q",
		left.descriptors, left.goroutines, left.mounts, left.processes, left.namespaces, left.files)
}

// leakWorld is a world whose policy uses everything that could be left.
func leakWorld(t *testing.T, program string) *world {
	t.Helper()
	w := newWorld(t, program)
	w.perms.DeniedPaths = append(w.perms.DeniedPaths, w.path("project/later"), w.path("project/x/y/later"))
	twoServices(w)
	limited(w)
	if err := os.MkdirAll(w.path(".openclaw/agents/coder"), 0o700); err != nil {
		t.Fatal(err)
	}
	return w
}

// Many runs in a row leave no mount, namespace, process, descriptor, goroutine,
// control group or file.
func TestRunsLeaveNothing(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	w := leakWorld(t, program(t))
	w.sh(t, "true")
	before := remaining(t, w.home)
	n := runs(t, 20)
	for i := range n {
		if code := w.sh(t, fmt.Sprintf("cat ~/project/secret/key; echo x > ~/other/x; sleep 1000 & : ~/; exit %d", i%100)); code != i%100 {
			t.Fatalf("run %d ended with %d", i, code)
		}
	}
	before.same(t, w.home)
	t.Logf("%d runs", n)
}

func TestRunsLeaveNothingAsOrdinaryUser(t *testing.T) { ordinary(t, "^TestRunsLeaveNothing$") }

// sh runs a script in a cage.
func (w *world) sh(t *testing.T, script string) int {
	t.Helper()
	cage, err := sandbox.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	spec := w.shSpec(script)
	spec.Policy = w.policy()
	process, err := cage.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	status, err := process.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return status.Code
}

func (w *world) shSpec(script string) sandbox.Spec {
	return sandbox.Spec{
		Agent: "coder", Run: "leak", Command: []string{"/bin/sh", "-c", script, w.home}, Env: []string{"PATH=/usr/bin:/bin", "HOME=" + w.home},
		Dir: w.path("project"), Denied: func(sandbox.Denial) {},
	}
}

// supervise is a supervisor that its parent kills.
func supervise(home string) int {
	w := &world{place: place{home: home}}
	w.perms.AllowedPaths = []policy.PathEntry{{Path: w.path("project")}, {Path: w.path("shared"), Access: policy.AccessRead}}
	w.perms.DeniedPaths = []string{w.path("project/secret"), home + "/**/.env"}
	compiled, err := w.compile()
	if err != nil {
		return 3
	}
	cage, err := sandbox.New(context.Background())
	if err != nil {
		return 1
	}
	spec := w.shSpec(`sleep 1000 & setsid sh -c 'trap "" TERM HUP; while :; do cat ~/.ssh/id_ed25519; sleep 0.01; done' "$0" & while :; do echo x > ~/project/x$$; cat ~/other/notes.txt; sleep 0.005; done`)
	spec.Policy = compiled
	process, err := cage.Start(context.Background(), spec)
	if err != nil {
		return 2
	}
	_, _ = process.Wait()
	return 0
}

// Whichever of a run's processes is killed, at whatever moment, nothing of the
// run stays.
func TestKilledRunsLeaveNothing(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	w := leakWorld(t, program(t))
	n := runs(t, 24)
	random := rand.New(rand.NewPCG(uint64(os.Getpid()), 1))
	before := remaining(t, w.home)
	hit := map[string]int{}
	for i := range n {
		target := []string{"supervisor", "stage", "command"}[i%3]
		if killOne(t, w, target, time.Duration(random.IntN(120_000))*time.Microsecond) {
			hit[target]++
		}
		if t.Failed() {
			return
		}
	}
	clear := func() {
		made, _ := filepath.Glob(w.path("project/x[0-9]*"))
		for _, name := range made {
			_ = os.Remove(name)
		}
	}
	clear()
	before.same(t, w.home)
	t.Logf("%d runs, killed: %v", n, hit)
	for _, target := range []string{"supervisor", "stage", "command"} {
		if hit[target] == 0 {
			t.Errorf("no %s was there to be killed", target)
		}
	}
}

func TestKilledRunsLeaveNothingAsOrdinaryUser(t *testing.T) {
	ordinary(t, "^TestKilledRunsLeaveNothing$")
}

// killOne starts a supervisor, kills one of its run's processes after a while,
// and reports whether that was there.
func killOne(t *testing.T, w *world, target string, after time.Duration) bool {
	t.Helper()
	command := exec.CommandContext(t.Context(), "/proc/self/exe", w.home)
	command.Env = append(os.Environ(), superviseVariable+"="+w.home)
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var said bytes.Buffer
	command.Stderr = &said
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	generation := map[string]int{"supervisor": 0, "stage": 1, "command": 2}[target]
	for range 30_000 { // it takes a moment to be there
		if len(caged(descendants(command.Process.Pid, generation))) > 0 || generation == 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	time.Sleep(after)
	victims := descendants(command.Process.Pid, generation)
	if generation > 0 {
		victims = caged(victims)
	}
	if len(victims) > 0 {
		_ = syscall.Kill(victims[0], syscall.SIGKILL)
	} else {
		_ = command.Process.Kill()
	}
	ended := make(chan struct{})
	go func() { _ = command.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		_ = command.Process.Signal(syscall.SIGQUIT) // it says where it waits
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = command.Process.Kill()
			<-ended
		}
		t.Errorf("the supervisor goes on, though its %s was killed after %v\n%s", target, after, said.String())
	}
	return len(victims) > 0
}

// caged leaves those that are in a process namespace of their own. Go's os
// package starts a child for a moment to try process descriptors out.
func caged(pids []int) []int {
	return slices.DeleteFunc(pids, func(pid int) bool {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			return true
		}
		_, numbers, _ := strings.Cut(string(text), "\nNSpid:")
		numbers, _, _ = strings.Cut(numbers, "\n")
		return len(strings.Fields(numbers)) < 2
	})
}

// descendants are the processes that many generations below.
func descendants(pid, generation int) []int {
	list := []int{pid}
	for range generation {
		var next []int
		for _, one := range list {
			next = append(next, children(one)...)
		}
		list = next
	}
	return list
}

func children(pid int) []int {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	var out []int
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for field := range strings.FieldsSeq(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				out = append(out, child)
			}
		}
	}
	return out
}
