package sandbox_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"openclaw/sandbox/policy"
)

// console is a person at an interactive shell on a terminal of its own.
type console struct {
	t        *testing.T
	shell    *exec.Cmd
	terminal *os.File
	said     <-chan []byte
	hangUp   func() // closes the terminal
	rest     []byte // of what was said, not yet looked at
	seen     strings.Builder
	wrong    func() string // what already shows that the test fails; nil: nothing does
}

// sayTime is how long a text may take to come on a busy machine.
const sayTime = time.Minute

// listen has what is said on the terminal passed on until it is hung up. A read that
// waits would keep the terminal open, so none does.
func (c *console) listen() {
	c.t.Helper()
	said, stop, stopped := make(chan []byte, 1<<10), make(chan struct{}), make(chan struct{})
	fd := int(c.terminal.Fd())
	go func() {
		defer close(stopped)
		defer close(said)
		for {
			set := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
			n, err := unix.Poll(set, 20)
			select {
			case <-stop:
				return
			default:
			}
			if n < 1 && (err == nil || errors.Is(err, unix.EINTR)) {
				continue
			}
			text := make([]byte, 4096)
			if n, err = unix.Read(fd, text); err != nil {
				return
			}
			select {
			case said <- text[:n]:
			case <-stop:
				return
			}
		}
	}()
	c.said = said
	c.hangUp = sync.OnceFunc(func() {
		close(stop)
		<-stopped
		_ = c.terminal.Close()
	})
	c.t.Cleanup(c.hangUp)
}

// consoleFor has ./run start a supervisor whose command is the script.
func consoleFor(t *testing.T, w *world, script string) *console {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	mode := ""
	if w.perms.Enforce == policy.EnforceReduced {
		mode = reducedVariable + "=1"
	}
	w.write("run", "#!/bin/sh\nexport "+supervisorVariable+"='"+w.home+"' "+scriptVariable+"='"+script+"' "+mode+"\nexec "+self+"\n")
	if err := os.Chmod(w.path("run"), 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // a hang is a failure
	t.Cleanup(cancel)
	c := &console{t: t, shell: exec.CommandContext(ctx, "bash", "--norc", "--noprofile", "-i")}
	c.shell.Dir = w.home
	c.shell.Env = append(os.Environ(), "PS1=person> ", "HISTFILE=", "TERM=dumb")
	c.terminal, err = pty.StartWithSize(c.shell, &pty.Winsize{Rows: 20, Cols: 200})
	require(t, err == nil, "no pseudo-terminals here")
	t.Cleanup(func() { c.hangUp(); cancel(); _ = c.shell.Wait() })
	c.listen()
	c.until("person> ")
	return c
}

// until reads as far as that text, and returns what came before it. A text that does
// not come fails the test.
func (c *console) until(want string) string {
	c.t.Helper()
	from := c.seen.Len()
	deadline := time.NewTimer(sayTime)
	defer deadline.Stop()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for !strings.HasSuffix(c.seen.String()[from:], want) {
		if len(c.rest) == 0 {
			select {
			case more, ok := <-c.said:
				if !ok {
					c.t.Fatalf("the terminal has gone before %q in %q", want, c.seen.String())
				}
				c.rest = more
			case <-again.C:
				if c.wrong == nil {
					continue
				}
				if why := c.wrong(); why != "" {
					c.t.Fatalf("%s; %q is all that was said", why, c.seen.String())
				}
				continue
			case <-deadline.C:
				c.t.Fatalf("no %q in %v, only %q after %q", want, sayTime, c.seen.String()[from:], c.seen.String()[:from])
			}
		}
		c.seen.WriteByte(c.rest[0])
		c.rest = c.rest[1:]
	}
	return strings.TrimSuffix(c.seen.String()[from:], want)
}

func (c *console) say(text string) {
	c.t.Helper()
	if _, err := c.terminal.WriteString(text); err != nil {
		c.t.Fatalf("%v after %q", err, c.seen.String())
	}
}

// ask types a line and returns what was said up to the next prompt.
func (c *console) ask(line, prompt string) string {
	c.t.Helper()
	c.say(line + "\n")
	c.until("\n") // the echo
	return c.until(prompt)
}

// hasTerminal returns when a process of that name has the terminal.
func (c *console) hasTerminal(name string) {
	c.t.Helper()
	// State, parent, group, session, terminal, the terminal's group: proc(5).
	c.waitFor(name, "have the terminal", func(stat []string) bool { return stat[2] == stat[5] })
}

// runs returns when a program of that name has been loaded.
func (c *console) runs(name string) {
	c.t.Helper()
	c.waitFor(name, "run", func([]string) bool { return true })
}

func (c *console) waitFor(name, what string, is func(stat []string) bool) {
	c.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		for _, pid := range descendants(c.shell.Process.Pid) {
			text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
			if err != nil || !strings.Contains(string(text), " ("+name+") ") {
				continue
			}
			fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
			if len(fields) > 5 && is(fields) {
				return
			}
		}
	}
	c.t.Fatalf("%s does not %s after %q", name, what, c.seen.String())
}

// In a cage, too, a shell has jobs: they stop, go on and are interrupted by the
// keys; and when it ends the terminal is the person's again, with its status.
func TestShellHasJobs(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		for _, name := range []string{"dash", "bash", "zsh"} {
			t.Run(name, func(t *testing.T) {
				_, err := exec.LookPath(name)
				require(t, err == nil, name+" is not here")
				arguments := map[string]string{"dash": "", "bash": "--norc --noprofile", "zsh": "-f -o no_zle -o no_prompt_cr"}[name]
				c := consoleFor(t, newWorld(t), `export PS1="caged> "; exec `+name+` `+arguments+` -i`)
				c.say("./run\n")
				c.until("caged> ")
				if said := c.ask("echo $((40+2))", "caged> "); said != "42\r\n" {
					t.Errorf("said %q", said)
				}
				c.say("sleep 98765.5\n")
				c.until("sleep 98765.5\r\n")
				c.hasTerminal("sleep")
				c.say("\x1a")
				c.until("caged> ")
				if said := c.ask("jobs", "caged> "); !strings.Contains(strings.ToLower(said), "sleep 98765.5") {
					t.Errorf("jobs said %q", said)
				}
				c.ask("bg", "caged> ")
				c.say("fg\n")
				c.hasTerminal("sleep")
				c.say("\x03")
				c.until("caged> ")
				if said := c.ask("echo status $?", "caged> "); said != "status 130\r\n" {
					t.Errorf("said %q", said)
				}
				c.ask("exit 42", "person> ")
				if said := c.ask("echo status $?", "person> "); said != "status 42\r\n" {
					t.Errorf("said %q", said)
				}
				if said := c.ask("cat <<< typed", "person> "); said != "typed\r\n" {
					t.Errorf("the person's shell said %q", said)
				}
			})
		}
	})
}
