package sandbox_test

import (
	"bufio"
	"context"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
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
	supervisorVariable = "OPENCLAW_TEST_SUPERVISOR"
	scriptVariable     = "OPENCLAW_TEST_SCRIPT"

	deniesName = "denies" // a file of the home of which a supervisor denies something of the project
)

// superviseForTest is a supervisor that its parent kills.
func superviseForTest(home string) int {
	perms := policy.Permissions{AllowedPaths: []policy.PathEntry{{Path: filepath.Join(home, "project")}}}
	if _, err := os.Stat(filepath.Join(home, asksName)); err == nil {
		perms.Ask = []policy.Class{policy.ClassPathRead, policy.ClassExec}
	}
	if _, err := os.Stat(filepath.Join(home, deniesName)); err == nil {
		perms.DeniedPaths = []string{filepath.Join(home, "project/.env")} // the gate serves the project
	}
	if os.Getenv(reducedVariable) != "" {
		perms.Enforce = policy.EnforceReduced
	}
	p, err := compile(home, perms)
	if err != nil {
		return 1
	}
	cage, err := sandbox.New(context.Background())
	if err != nil {
		return 2
	}
	if perms.Enforce == policy.EnforceReduced {
		cage = cage.OnlyReduced()
	}
	script := os.Getenv(scriptVariable)
	if script == "" {
		mark := sleepMark(home)
		script = "trap '' TERM HUP INT; setsid sleep " + mark + " & sleep " + mark + " & until [ $(grep -lsa ^sleep /proc/[0-9]*/cmdline | wc -l) = 2 ]; do :; done; echo ready; sleep " + mark
	}
	for _, early := range []os.Signal{syscall.SIGINT, syscall.SIGQUIT} { // they may come before RelaySignals does
		if !signal.Ignored(early) {
			signal.Notify(make(chan os.Signal, 1), early)
		}
	}
	process, err := cage.Start(context.Background(), sandbox.Spec{
		Agent: "coder", Run: "r", Policy: p, Command: []string{"sh", "-c", script},
		Env: []string{"PATH=/usr/bin:/bin"}, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Asker: askFor(home),
	})
	if err != nil {
		return 3
	}
	if os.Getenv(meetVariable) != "" {
		go meet(process, home)
	}
	if os.Getenv(pageVariable) != "" {
		go meetAtPage(process, home)
	}
	defer process.RelaySignals()()
	if os.Getenv(relaysVariable) != "" {
		_, _ = os.Stdout.WriteString("relays\n")
	}
	status, _ := process.Wait()
	return status.Code
}

// supervised starts a supervisor, which the test kills, and returns when its command
// runs, with what that says.
func supervised(t *testing.T, w *world, environment ...string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "/proc/self/exe")
	command.Env = append(append(os.Environ(), supervisorVariable+"="+w.home), environment...)
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	out := bufio.NewReader(stdout)
	if line, err := out.ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("%q %v", line, err)
	}
	return command, out
}

// When the supervisor is killed nothing of its cage survives.
func TestSupervisorKilled(t *testing.T) {
	w := newWorld(t)
	command, out := supervised(t, w)
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	// The pipe's last writers are the cage's processes: its end is theirs.
	if _, err := out.ReadString('\n'); err == nil {
		t.Error("the cage still speaks")
	}
	_ = command.Wait()
	for end := time.Now().Add(time.Minute); len(sleepers(t, w.home)) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("left behind: %q", sleepers(t, w.home))
		}
	}
}

// The same at any moment, while the cage's programs make, move and remove folders that are
// bound: nobody is left waiting in the kernel for an answer of the one who was killed.
func TestSupervisorKilledWhileFoldersChange(t *testing.T) {
	w := newWorld(t)
	w.write(deniesName, "")
	const script = `cd ~/project; exec perl -e '
		for my $n (1 .. 3) { if (!fork) { my $gate = (stat ".")[0];
			for (my $i = 0; ; $i++) { mkdir "d$n-$i"; for (1 .. 60) { last if (stat "d$n-$i")[0] != $gate } rename "d$n-$i", "e$n-$i"; rmdir "e$n-$i" } } }
		for my $n (1 .. 3) { if (!fork) { for (;;) { mkdir "x$n"; rmdir "x$n" } } }
		$| = 1; print "ready\n"; wait'`
	for range 12 {
		command, out := supervised(t, w, scriptVariable+"=HOME="+w.home+"; "+script)
		time.Sleep(rand.N(500 * time.Millisecond)) // any moment will do
		if err := command.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		endsAfterKill(t, command, out)
	}
}

// endsAfterKill waits for the end of a supervisor that was killed, and of its cage.
func endsAfterKill(t *testing.T, command *exec.Cmd, out *bufio.Reader) {
	t.Helper()
	ended := make(chan struct{})
	go func() {
		_, _ = out.ReadString('\n') // the pipe's last writers are the cage's processes
		_ = command.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Fatal("something of the cage or its supervisor is left, and cannot be ended")
	}
}

// sleepMark is how long the processes of a world's cage sleep, and no other's.
func sleepMark(home string) string { return "98765." + markOf(home) }

// sleepers finds the cage's processes among all of the machine.
func sleepers(t *testing.T, home string) []string {
	t.Helper()
	mark := "sleep\x00" + sleepMark(home) + "\x00"
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, name := range lines {
		line, err := os.ReadFile(name)
		if err == nil && string(line) == mark {
			found = append(found, name)
		}
	}
	return found
}

// Runs leave no descriptor, mount, goroutine, process or file: what one run in twenty
// leaves is seen, since none may be more than before.
func TestNothingLeaks(t *testing.T) {
	w := newWorld(t).allow("project").deny("project/later", "project/secret")
	w.sh("true")
	count := func() (descriptors int, mounts map[string]bool, goroutines, children, files int) {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		table, err := mounttest.Table(w.home)
		if err != nil {
			t.Fatal(err)
		}
		kids, err := filepath.Glob("/proc/self/task/*/children")
		if err != nil {
			t.Fatal(err)
		}
		for _, kid := range kids {
			text, err := os.ReadFile(kid)
			if err == nil {
				children += len(strings.Fields(string(text)))
			}
		}
		left, err := os.ReadDir(w.path("project"))
		if err != nil {
			t.Fatal(err)
		}
		mounts = map[string]bool{}
		for _, line := range table {
			mounts[line] = true
		}
		return len(entries), mounts, runtime.NumGoroutine(), children, len(left)
	}
	d0, m0, g0, c0, f0 := count()
	for i := range 20 {
		if res := w.sh("cat ~/project/secret/key; exit " + strconv.Itoa(i)); res.status.Code != i || len(res.denials) != 1 {
			t.Fatalf("run %d: %+v", i, res)
		}
	}
	// Goroutines of the last run may be returning.
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		d1, m1, g1, c1, f1 := count()
		maps.DeleteFunc(m1, func(line string, _ bool) bool { return m0[line] })
		if d1 <= d0 && len(m1) == 0 && g1 <= g0+1 && c1 <= c0 && f1 == f0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("descriptors %d→%d, new mounts %v, goroutines %d→%d, children %d→%d, files %d→%d", d0, d1, m1, g0, g1, c0, c1, f0, f1)
		}
	}
}
