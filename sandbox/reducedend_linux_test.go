package sandbox_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const reducedVariable = "OPENCLAW_TEST_REDUCED"

// escapeSession starts sleepers in every way that leaves a parent behind: in
// the background, in a session of its own, and twice forked.
const escapeSession = `trap '' TERM HUP INT; sleep MARK & setsid sleep MARK & (setsid sh -c 'setsid sleep MARK & sleep 0.01' &) ; (sh -c 'sleep MARK &' &); echo ready; `

// reducedSupervisor starts a supervisor of a reduced cage in a process of its
// own, whose sleepers carry a mark.
func reducedSupervisor(t *testing.T, then string) (command *exec.Cmd, w *world, mark string) {
	t.Helper()
	w = newWorld(t)
	mark = "9" + strconv.FormatInt(time.Now().UnixNano(), 10) + ".25"
	command = exec.CommandContext(t.Context(), "/proc/self/exe")
	command.Env = append(os.Environ(), supervisorVariable+"="+w.home, reducedVariable+"=1",
		scriptVariable+"="+strings.ReplaceAll(escapeSession, "MARK", mark)+strings.ReplaceAll(then, "MARK", mark))
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		for _, pid := range marked(t, mark) {
			t.Errorf("process %d was left", pid)
			if process, err := os.FindProcess(pid); err == nil {
				_ = process.Kill()
			}
		}
	})
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("%q %v", line, err)
	}
	eventually(t, "all sleepers run", func() bool { return len(marked(t, mark)) >= 4 })
	return command, w, mark
}

// marked finds the sleepers of one test.
func marked(t *testing.T, mark string) []int {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []int
	for _, name := range lines {
		line, err := os.ReadFile(name)
		if err != nil || !strings.HasPrefix(string(line), "sleep\x00"+mark) {
			continue
		}
		if pid, err := strconv.Atoi(strings.Split(name, "/")[2]); err == nil {
			found = append(found, pid)
		}
	}
	return found
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Errorf("not in a minute: %s", what)
}

// childOf finds a process by its name below another one.
func childOf(t *testing.T, parent int, name string) int {
	t.Helper()
	found := 0
	eventually(t, name+" runs", func() bool {
		lists, err := filepath.Glob("/proc/" + strconv.Itoa(parent) + "/task/*/children")
		if err != nil {
			t.Fatal(err)
		}
		for _, list := range lists {
			text, err := os.ReadFile(list)
			if err != nil {
				continue
			}
			for field := range strings.FieldsSeq(string(text)) {
				line, err := os.ReadFile("/proc/" + field + "/cmdline")
				if err == nil && strings.HasPrefix(string(line), name+"\x00") {
					found, _ = strconv.Atoi(field)
					return true
				}
			}
		}
		return false
	})
	return found
}

func kill(t *testing.T, pid int) {
	t.Helper()
	process, err := os.FindProcess(pid)
	if err == nil {
		err = process.Kill()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// No process of a reduced run outlives it, whoever is ended first.
func TestReducedEnds(t *testing.T) {
	for _, c := range []struct {
		name string
		then string
		end  func(t *testing.T, supervisor *exec.Cmd, w *world)
	}{
		{"the command ends", "until [ -e go ]; do sleep 0.05; done; exit 0", func(t *testing.T, _ *exec.Cmd, w *world) {
			t.Helper()
			w.write(".openclaw/agents/coder/go", "")
		}},
		{"the supervisor is killed", "sleep MARK", func(t *testing.T, c *exec.Cmd, _ *world) { t.Helper(); kill(t, c.Process.Pid) }},
		{"the keeper is killed", "sleep MARK", func(t *testing.T, c *exec.Cmd, _ *world) {
			t.Helper()
			kill(t, childOf(t, c.Process.Pid, "openclaw-keeper"))
		}},
		{"the guard is killed", "sleep MARK", func(t *testing.T, c *exec.Cmd, _ *world) {
			t.Helper()
			kill(t, childOf(t, childOf(t, c.Process.Pid, "openclaw-keeper"), "openclaw-guard"))
		}},
		{"the supervisor is stopped and the keeper killed", "sleep MARK", func(t *testing.T, c *exec.Cmd, _ *world) {
			t.Helper()
			keeper := childOf(t, c.Process.Pid, "openclaw-keeper")
			if err := c.Process.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			kill(t, keeper)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			supervisor, w, mark := reducedSupervisor(t, c.then)
			c.end(t, supervisor, w)
			eventually(t, "no sleeper is left", func() bool { return len(marked(t, mark)) == 0 })
		})
	}
}

func TestReducedEndsAsOrdinaryUser(t *testing.T) { ordinary(t, "^TestReducedEnds$") }

// A hundred programs that fork as fast as they can are ended all the same.
func TestReducedEndsAForkBomb(t *testing.T) {
	w := newWorld(t).reduced()
	spec := w.spec("sh", "-c", `for i in 1 2 3 4 5 6 7 8; do (while :; do setsid sh -c 'sleep 0.01' & sleep 0.02; done) & done; sleep 0.5; exit 4`)
	_, wait := start(t, spec)
	if res := wait(); res.status.Code != 4 {
		t.Errorf("%+v", res.status)
	}
	if left := w.programs("sh"); len(left) > 0 {
		t.Errorf("shells are left: %v", left)
	}
}

// programs lists the processes of a name whose working folder is in this world, which
// no other test has.
func (w *world) programs(name string) []int {
	w.t.Helper()
	var found []int
	for pid := range processes() {
		text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
		if err == nil && strings.TrimSpace(string(text)) == name && w.holds(pid) {
			found = append(found, pid)
		}
	}
	return found
}
