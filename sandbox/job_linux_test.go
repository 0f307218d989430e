package sandbox_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// reader hears lines, and says of a key that it came.
const reader = `trap "echo interrupted" INT; echo begun; while :; do if read line; then case $line in end) exit 7;; *) echo "heard $line";; esac; fi; done`

// A run that was begun in the background, or sent there, is stopped when it reads
// from the terminal, and has it in the foreground.
func TestRunInBackground(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		c := consoleFor(t, newWorld(t), reader)
		c.say("./run &\n")
		c.until("begun\r\n")
		c.noticed("Stopped", 0) // it reads
		c.say("fg\n")
		c.hasTerminal("sh")
		c.say("one\n")
		c.until("heard one\r\n")
		c.say("\x1a")
		c.until("person> ")
		before := c.seen.Len()
		c.ask("bg", "person> ")
		c.noticed("Stopped", before) // as above
		c.say("fg\n")
		c.hasTerminal("sh")
		c.say("\x03")
		c.until("interrupted\r\n")
		c.say("end\n")
		c.until("person> ")
		if said := c.ask("echo status $?", "person> "); said != "status 7\r\n" {
			t.Errorf("said %q", said)
		}
	})
}

// A run that is begun in the background begins while the person's shell edits a line, by
// modes of the editor's. It has those of the foreground when it is brought there.
func TestRunBegunBehindALineEditor(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		c := consoleFor(t, newWorld(t), reader)
		c.ask("stty -icanon -icrnl", "person> ")
		c.say("./run &\n")
		c.until("begun\r\n")
		c.noticed("Stopped", 0) // it reads
		c.ask("stty icanon icrnl", "person> ")
		c.say("fg\n")
		c.hasTerminal("sh")
		c.say("one\r")
		c.until("heard one\r\n")
		c.say("end\r")
		c.until("person> ")
	})
}

// A run in the background that never asks for the terminal is interrupted by the
// keys all the same once it is in the foreground.
func TestKeysOfForegroundReachRun(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		for name, key := range map[string]struct{ typed, status string }{"interrupt": {"\x03", "130"}, "quit": {"\x1c", "131"}} {
			t.Run(name, func(t *testing.T) {
				c := consoleFor(t, newWorld(t), `echo begun; exec sleep 98765.6`)
				c.say("./run &\n")
				c.until("begun\r\n")
				c.runs("sleep")
				c.say("fg\n")
				c.until("./run\r\n")
				c.hasTerminal(c.supervisor())
				c.say("\x1a")
				c.until("Stopped")
				c.until("person> ")
				c.stopped("sleep")
				c.say("fg\n")
				c.hasTerminal("sleep")
				c.say(key.typed)
				c.until("person> ")
				if said := c.ask("echo status $?", "person> "); said != "status "+key.status+"\r\n" {
					t.Errorf("said %q", said)
				}
			})
		}
	})
}

// What is interrupted in a script ends the script.
func TestInterruptEndsScript(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		c := consoleFor(t, newWorld(t), `echo begun; exec sleep 98765.7`)
		c.say("dash -c './run; echo went on'\n")
		c.until("begun\r\n")
		c.hasTerminal("sleep")
		c.say("\x03")
		if said := c.until("person> "); strings.Contains(said, "went on") {
			t.Errorf("said %q", said)
		}
		if said := c.ask("echo status $?", "person> "); said != "status 130\r\n" {
			t.Errorf("said %q", said)
		}
	})
}

// In a pipeline the run is one of the pipeline's programs: who pages what it says
// has the terminal, and the keys reach both.
func TestRunInPipeline(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		c := consoleFor(t, newWorld(t), `trap "echo interrupted; exit 3" INT; echo begun; while :; do sleep 0.1; done`)
		c.say(`./run | dash -c 'trap "" INT; read first; echo "it has $first"; read typed < /dev/tty; echo "typed $typed"; cat'` + "\n")
		c.until("it has begun\r\n")
		c.say("here\n")
		c.until("typed here\r\n")
		c.say("\x03")
		c.until("interrupted\r\n")
		c.until("person> ")
		if said := c.ask("echo status $?", "person> "); said != "status 0\r\n" {
			t.Errorf("said %q", said)
		}
	})
}

// poller waits for its input otherwise than by reading it.
const poller = `exec /usr/bin/python3 -c "
import os, select
print(\"begun\", flush=True)
while True:
    if select.select([0], [], [], 1)[0]:
        text = os.read(0, 100).decode()
        print(\"heard\", text, end=\"\", flush=True)
        if text == \"end\\n\":
            break
"`

// A program that polls before it reads is never stopped in the background. It hears
// what is typed once its job is brought forward, and in a pipeline when nobody else
// reads it; what the others of the pipeline write is shown as it was.
func TestPollerHears(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		require(t, exists("/usr/bin/python3"), "python3 is not here")
		for name, line := range map[string]string{"brought forward": "./run &\nfg\n", "pipeline": "./run | cat\n"} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				c := consoleFor(t, newWorld(t), poller)
				c.say(line)
				c.until("begun\r\n")
				for _, typed := range []string{"one\n", "two\n"} {
					c.say(typed)
					c.until("heard " + strings.TrimSuffix(typed, "\n") + "\r\n")
				}
				c.say("end\n")
				c.until("heard end\r\n")
				c.until("person> ")
				if said := c.ask("echo status $?", "person> "); said != "status 0\r\n" {
					t.Errorf("said %q", said)
				}
			})
		}
	})
}

// A supervisor that is killed leaves its terminal to the person's shell.
func TestTerminalAfterKill(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		c := consoleFor(t, newWorld(t), `echo begun; exec sleep 98765.8`)
		c.say("./run\n")
		c.until("begun\r\n")
		c.hasTerminal("sleep")
		if err := syscall.Kill(descendants(c.shell.Process.Pid)[0], syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		c.until("person> ")
		c.say("echo status $?; read line\n")
		c.until("status 137\r\n")
		c.say("typed\n")
		c.until("person> ")
		if said := c.ask("echo \"it has $line\"", "person> "); said != "it has typed\r\n" {
			t.Errorf("said %q", said)
		}
	})
}

// A terminal that goes away ends a run that is suspended, as it ends any other.
func TestHangUpEndsSuspendedRun(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		c := consoleFor(t, newWorld(t), reader)
		c.say("./run\n")
		c.until("begun\r\n")
		c.say("\x1a")
		c.until("Stopped")
		c.until("person> ")
		below := descendants(c.shell.Process.Pid)
		c.hangUp()
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
			if err := syscall.Kill(below[0], 0); errors.Is(err, syscall.ESRCH) {
				return
			}
			if time.Now().After(deadline) {
				t.Fatal("the supervisor is left")
			}
		}
	})
}

// In a session of its own there is no shell that could say fg: the key that stops
// a job stops nothing, as it is without a cage.
func TestNothingStopsWithoutShell(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		c := withoutShell(t, newWorld(t), reader)
		c.until("begun\r\n")
		for n := range 3 {
			c.say("\x1a")
			c.until("^Z")
			c.say("line " + strconv.Itoa(n) + "\n")
			c.until("heard line " + strconv.Itoa(n) + "\r\n")
		}
		c.ends(7)
	})
}

// So it is while the command starts: the keys are the run's a moment before.
func TestKeyWhileRunStarts(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		for range 8 {
			c := withoutShell(t, newWorld(t), reader)
			c.passesKeys()
			c.say("\x1a")
			c.until("^Z") // what was said before it may have gone with it
			c.say("line\n")
			c.until("heard line\r\n")
			c.ends(7)
		}
	})
}

// passesKeys returns as soon as the keys are the run's.
func (c *console) passesKeys() {
	c.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Microsecond) {
		modes, err := unix.IoctlGetTermios(int(c.terminal.Fd()), unix.TCGETS)
		if err != nil {
			c.t.Fatal(err)
		}
		if modes.Lflag&unix.ISIG == 0 {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatal("the keys are not passed on")
		}
	}
}

// And the key that comes in the very moment in which a run is brought forward.
func TestKeyWhileRunIsBroughtForward(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		c := consoleFor(t, newWorld(t), `echo begun; exec sleep 98765.8`)
		c.say("./run &\n")
		c.until("begun\r\n")
		for range 12 {
			c.say("fg\n")
			c.passesKeys()
			_, _ = c.terminal.WriteString("\x1a") // what comes of it is waited for
			c.until("Stopped")
			c.until("person> ")
		}
	})
}

// withoutShell is a run that leads the session of its terminal.
func withoutShell(t *testing.T, w *world, script string) *console {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // a hang is a failure
	t.Cleanup(cancel)
	command := exec.CommandContext(ctx, "/proc/self/exe")
	command.Env = w.supervised(script)
	terminal, err := pty.Start(command)
	require(t, err == nil, "no pseudo-terminals here")
	c := &console{t: t, shell: command, terminal: terminal}
	c.listen()
	return c
}

// ends tells the reader to, and awaits its status.
func (c *console) ends(status int) {
	c.t.Helper()
	c.say("end\n")
	_ = c.shell.Wait()
	if code := c.shell.ProcessState.ExitCode(); code != status {
		c.t.Errorf("status %d", code)
	}
}

// noticed returns when the person's shell has said so of the job, which it does
// before a prompt.
func (c *console) noticed(news string, from int) {
	c.t.Helper()
	for deadline := time.Now().Add(time.Minute); !strings.Contains(c.seen.String()[from:], news); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			c.t.Fatalf("no %q in %.2000q", news, c.seen.String())
		}
		c.ask("", "person> ")
	}
}

// supervisor is the name that the kernel knows the run's supervisor by.
func (c *console) supervisor() string {
	c.t.Helper()
	below := descendants(c.shell.Process.Pid)
	if len(below) == 0 {
		c.t.Fatalf("there is no run after %q", c.seen.String())
	}
	name, err := os.ReadFile("/proc/" + strconv.Itoa(below[0]) + "/comm")
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.TrimSuffix(string(name), "\n")
}

// stopped returns when the process of that name is.
func (c *console) stopped(name string) {
	c.t.Helper()
	waitStopped(c.t, c.shell.Process.Pid, name)
}
