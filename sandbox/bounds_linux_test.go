package sandbox_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"openclaw/sandbox"
	"openclaw/sandbox/linux/cgroup"
	"openclaw/sandbox/policy"
)

// limited is a spec with limits.
func (w *world) limited(r policy.Resources, command ...string) sandbox.Spec {
	spec := w.spec(command...)
	p := *spec.Policy
	p.Resources = r
	spec.Policy = &p
	return spec
}

func enforceable(t *testing.T, name string) sandbox.Mechanism {
	t.Helper()
	for _, m := range sandbox.Probe(t.Context()).Limits {
		if m.Name == name {
			if m.Purpose == "" || m.Detail == "" || !m.Enforced && m.Fix == "" {
				t.Errorf("%+v says too little", m)
			}
			return m
		}
	}
	t.Fatalf("the probe does not know of %q", name)
	return sandbox.Mechanism{}
}

// A limit either holds and is reported, or the run is refused with the cure:
// never is one written and not enforced.
func TestLimitHoldsOrRefuses(t *testing.T) {
	w := newWorld(t)
	origin := policy.Origin{File: "config.yaml", Line: 7, Key: "agents.coder.limits"}
	for _, c := range []struct {
		name   string
		limits policy.Resources
	}{
		{"memory limit", policy.Resources{Memory: 256 << 20, MemoryFrom: origin}},
		{"process limit", policy.Resources{PIDs: 50, PIDsFrom: origin}},
		{"processor limit", policy.Resources{CPU: 1500, CPUFrom: origin}},
	} {
		possible := enforceable(t, c.name)
		_, wait, err := tryStart(t, w.limited(c.limits, "true"))
		if !possible.Enforced {
			var typed *sandbox.Error
			if !errors.As(err, &typed) || typed.Kind != sandbox.KindMissing || typed.Hint == "" || !strings.Contains(err.Error(), "config.yaml:7") {
				t.Errorf("%s cannot be enforced here and was not refused: %v", c.name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		res := wait()
		at := slices.IndexFunc(res.report.Mechanisms, func(m sandbox.Mechanism) bool { return m.Name == c.name })
		if at < 0 || !res.report.Mechanisms[at].Enforced {
			t.Errorf("%s is not reported: %+v", c.name, res.report.Mechanisms)
		}
	}
}

func TestLimitsAsOrdinaryUser(t *testing.T) {
	ordinary(t, "^TestLimitHoldsOrRefuses$|^TestProcessLimit$|^TestMemoryOfEachProcess$")
}

// Where nothing holds all processes of a run together, a policy that accepts less has
// each of them held, and it is told that this is less.
func TestMemoryOfEachProcess(t *testing.T) {
	if enforceable(t, "memory limit").Enforced {
		return // the control group holds it; that is tested with the package
	}
	requireReduced(t)
	w := newWorld(t)
	spec := w.limited(policy.Resources{Memory: 256 << 20}, "sh", "-c", "ulimit -Sd; ulimit -Hd; sh -c 'ulimit -d'")
	spec.Policy.Enforce = policy.EnforceReduced
	_, wait := start(t, spec)
	res := wait()
	if res.out != strings.Repeat("262144\n", 3) {
		t.Errorf("out %q, err %q", res.out, res.err)
	}
	at := slices.IndexFunc(res.report.Mechanisms, func(m sandbox.Mechanism) bool { return m.Name == "memory limit" })
	if at < 0 || res.report.Mechanisms[at].Enforced || !strings.Contains(res.report.Mechanisms[at].Detail, "each process alone") {
		t.Errorf("not told: %+v", res.report.Mechanisms)
	}
}

// No more processes than were allowed, however they are made; the cage lives on
// and so do other cages and programs of the same user.
func TestProcessLimit(t *testing.T) {
	if os.Getuid() == 0 && !enforceable(t, "process limit").Enforced {
		return // the refusal is tested above, and this as an ordinary user
	}
	const most = 25
	w := newWorld(t)
	script := `ulimit -p unlimited 2>/dev/null && echo raised
sleep 1000 & sleep 1000 & echo first
n=0; while [ $n -lt 200 ]; do sleep 1000 & n=$((n+1)); done; echo all`
	process, wait := start(t, w.limited(policy.Resources{PIDs: most}, "sh", "-c", script))
	other := newWorld(t)
	if res := other.sh("for i in 1 2 3 4 5 6 7 8; do sleep 0 & done; wait; echo fine"); !strings.Contains(res.out, "fine") {
		t.Errorf("another cage could make no process: %q %q", res.out, res.err)
	}
	count := func() int { // from outside
		n := 0
		children, err := filepath.Glob("/proc/" + strconv.Itoa(process.PID()) + "/task/*/children")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range children {
			text, _ := os.ReadFile(name)
			n += len(strings.Fields(string(text)))
		}
		return n
	}
	most1 := 0
	for range 200 {
		most1 = max(most1, count())
	}
	res := wait()
	if most1 > most {
		t.Errorf("%d children under a limit of %d", most1, most)
	}
	if res.out != "first\n" || !strings.Contains(strings.ToLower(res.err), "cannot fork") {
		t.Errorf("nothing was refused: %q %q %+v", res.out, res.err, res.status)
	}
}

// divided is a controller that most machines leave to version 2; limits are tested with
// their own.
const divided = "hugetlb"

// A run is in a group of its own from its first moment to its last, its first
// process and its command apart, and the group goes with it.
func TestControlGroup(t *testing.T) {
	if os.Getuid() != 0 {
		return // an ordinary user's place is tested with the package; the group is the same
	}
	_, err := cgroup.FindWith(divided)
	require(t, err == nil, fmt.Sprintf("no control groups of version 2: %v", err))
	w := newWorld(t)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = read.Close() }()
	spec := w.spec("sh", "-c", "trap '' TERM; sleep 1000 & setsid sleep 1000 & echo ready; sleep 1000")
	spec.Stdout = write
	cage, err := sandbox.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cage.DivideWith(divided)
	process, err := cage.Start(context.WithoutCancel(t.Context()), spec)
	_ = write.Close()
	if err != nil {
		t.Fatalf("%v (%s)", err, hintOf(err))
	}
	if _, err := bufio.NewReader(read).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	dir := groupOf(t, process.PID())
	if filepath.Base(dir) != "inside" || !strings.HasPrefix(filepath.Base(filepath.Dir(filepath.Dir(dir))), "run-") {
		t.Errorf("the command is in %s", dir)
	}
	run := filepath.Dir(filepath.Dir(dir))
	inside := strings.Fields(readFile(t, filepath.Join(dir, "cgroup.procs")))
	first := strings.Fields(readFile(t, filepath.Join(run, "init", "cgroup.procs")))
	if len(inside) < 3 || len(first) != 1 {
		t.Errorf("processes of the command %q, first process %q", inside, first)
	}
	if err := process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if _, err := process.Wait(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(run); err == nil {
		t.Errorf("%s is still there", run)
	}
}

// groupOf is the folder of a process's control group.
func groupOf(t *testing.T, pid int) string {
	t.Helper()
	mount := ""
	for line := range strings.Lines(readFile(t, "/proc/self/mountinfo")) {
		if left, right, ok := strings.Cut(line, " - "); ok && strings.HasPrefix(right, "cgroup2 ") {
			mount = strings.Fields(left)[4]
			break
		}
	}
	for line := range strings.Lines(readFile(t, "/proc/"+strconv.Itoa(pid)+"/cgroup")) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			return filepath.Join(mount, name)
		}
	}
	t.Fatal("the process is in no group")
	return ""
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
