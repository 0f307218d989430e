package sandbox_test

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// heedless ignores that its terminal has gone, reads from it to the end, writes to it,
// and then does other work, little of it, until it is told to stop. A shell that ends may also send
// SIGTERM to what it believes to be stopped.
const heedless = `trap "" HUP TERM; cd project; echo begun > begun; echo begun; while read line; do :; done; echo ended > ended; echo more || echo refused > refused; until [ -e go ]; do sleep 1; done; exit 0`

// The terminal of a run goes with the person's: its command reads an end, and cannot
// write. Nothing has to be done for that meanwhile: the supervisor waits.
func TestTerminalThatHasGoneEnds(t *testing.T) {
	const (
		watched = time.Second
		most    = 0.15 // of it in processor time: 0.02 is seen, and nearly all where it does not wait
	)
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		for _, place := range []struct{ name, line string }{
			{"foreground", "./run"},
			{"suspended", "./run"},
			{"background", "./run &"},
			{"another session", "setsid -w ./run"},
			{"pipeline", `./run | (trap "" HUP TERM; exec cat > log)`},
			{"no shell", ""},
		} {
			t.Run(place.name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				script := strings.Replace(heedless, "cd project", "cd "+w.path("project"), 1)
				var c *console
				if place.line == "" {
					c = withoutShell(t, w, script)
				} else {
					c = consoleFor(t, w, script)
					c.say(place.line + "\n")
				}
				eventually(t, "the command has begun", func() bool { return w.exists("project/begun") })
				supervisor := c.supervisorOf(w)
				t.Cleanup(func() {
					if t.Failed() {
						_ = syscall.Kill(supervisor, syscall.SIGKILL) // it may have ended
					}
				})
				switch place.name {
				case "suspended":
					c.say("\x1a")
					c.until("Stopped")
					c.until("person> ")
				case "background":
					c.noticed("Stopped", 0) // it reads
				}
				c.hangUp()
				for _, name := range []string{"project/ended", "project/refused"} {
					if name == "project/refused" && place.name == "pipeline" {
						continue // it writes to the pipe
					}
					eventually(t, name+" is there", func() bool { return w.exists(name) })
					if t.Failed() {
						return
					}
				}
				before, begun := processorTime(t, supervisor), time.Now()
				time.Sleep(watched)
				if used, passed := processorTime(t, supervisor)-before, time.Since(begun); used.Seconds() > most*passed.Seconds() {
					t.Errorf("the supervisor used %v of %v", used, passed)
				}
				w.write("project/go", "")
				eventually(t, "the supervisor has ended", func() bool { return errors.Is(syscall.Kill(supervisor, 0), syscall.ESRCH) || state(supervisor) == "Z" })
			})
		}
	})
}

// supervisorOf is the process that started the run of a world's home.
func (c *console) supervisorOf(w *world) int {
	c.t.Helper()
	own, err := os.Executable()
	if err != nil {
		c.t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		for _, pid := range append(descendants(c.shell.Process.Pid), c.shell.Process.Pid) {
			text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
			program, _ := os.Readlink("/proc/" + strconv.Itoa(pid) + "/exe") // it may have ended
			if err == nil && program == own && strings.Contains(string(text), supervisorVariable+"="+w.home+"\x00") {
				return pid
			}
		}
	}
	c.t.Fatalf("there is no supervisor after %q", c.seen.String())
	return 0
}

// processorTime is what a process has used.
func processorTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	ticks, err := exec.CommandContext(t.Context(), "getconf", "CLK_TCK").Output()
	if err != nil {
		t.Fatal(err)
	}
	second, err := strconv.Atoi(strings.TrimSpace(string(ticks)))
	if err != nil {
		t.Fatal(err)
	}
	fields := statOf(pid)
	if len(fields) < 14 {
		t.Fatalf("process %d has gone", pid)
	}
	var sum int
	for _, field := range fields[11:13] { // utime and stime: proc(5)
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return time.Duration(sum) * time.Second / time.Duration(second)
}

// state is a process's, as proc(5) has it.
func state(pid int) string {
	if fields := statOf(pid); len(fields) > 0 {
		return fields[0]
	}
	return ""
}
