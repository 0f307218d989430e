package sandbox_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// thief is a program that heeds no job control, and writes what it reads from the run's
// terminal into a file. Before it takes the foreground it waits: who has that gets the
// key that suspends the run. It ends by itself in ten minutes: a test that is killed
// ends nothing.
const thief = `
import os, signal, fcntl, sys, time
for each in (signal.SIGTSTP, signal.SIGTTOU, signal.SIGTTIN, signal.SIGHUP, signal.SIGCONT):
    signal.signal(each, signal.SIG_IGN)
signal.alarm(600)
way = sys.argv[1]
fd = int(sys.argv[2])
if fd < 0:
    fd = os.open("/dev/tty", os.O_RDWR)
if way == "session":
    os.setsid()
elif way == "let go":
    fcntl.ioctl(fd, 0x5422)
elif way == "foreground":
    os.setpgid(0, 0)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
stolen = open("stolen", "ab", buffering=0)
open("ready", "w").close()
if way == "foreground":
    signal.sigwait([signal.SIGUSR1])
    os.tcsetpgrp(fd, os.getpgrp())
while True:
    try:
        text = os.read(fd, 100)
    except OSError:
        text = b""
    stolen.write(text)
    if not text: # not now, or never more
        time.sleep(0.01)
`

// What the person types to their shell while a run is suspended, in the background or
// only writes to their terminal is read by none of its programs, whatever they do about
// job control; by name and by descriptor.
func TestSuspendedRunReadsNothing(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		for _, place := range []struct{ name, line, way, fd string }{
			{"suspended, session", "./run", "session", "0"},
			{"suspended, let go", "./run", "let go", "0"},
			{"suspended, foreground", "./run", "foreground", "0"},
			{"suspended, by name", "./run", "foreground", "-1"},
			{"suspended, plain", "./run", "none", "0"},
			{"background, session", "./run &", "session", "0"},
			{"background, by name", "./run &", "foreground", "-1"},
			{"background, output alone", "./run < /dev/null &", "session", "1"},
			{"background, errors alone", "./run < /dev/null > log &", "session", "2"},
			{"background, name alone", "./run < /dev/null > log 2>&1 &", "foreground", "-1"},
			{"another session", "setsid -w ./run &", "session", "0"},
			{"pipeline in background", "./run | cat &", "session", "0"},
		} {
			t.Run(place.name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.write("project/thief.py", thief)
				require(t, exists("/usr/bin/python3"), "python3 is not here")
				c := consoleFor(t, w, "cd "+w.path("project")+`; exec 3<&0; /usr/bin/python3 thief.py "`+place.way+`" `+strings.Replace(place.fd, "0", "3", 1)+" & exec sleep 600.9")
				c.wrong = func() string {
					if text, err := os.ReadFile(w.path("project/stolen")); err == nil && len(text) > 0 {
						return fmt.Sprintf("%q was read of what was typed", text)
					}
					return ""
				}
				t.Cleanup(func() { c.endAll(w) }) // a run in the background outlives a shell that is killed
				c.say(place.line + "\n")
				for deadline := time.Now().Add(time.Minute); !exists(w.path("project/ready")); time.Sleep(10 * time.Millisecond) {
					if time.Now().After(deadline) {
						t.Fatalf("the thief is not ready after %q", c.seen.String())
					}
				}
				if strings.HasPrefix(place.name, "suspended") {
					c.say("\x1a")
					c.until("Stopped")
					c.until("person> ")
				}
				if place.way == "foreground" {
					c.signals("python3", syscall.SIGUSR1)
					c.hasTerminal("python3")
				}
				c.say("echo at the $((40+2))\n")
				c.until("at the 42\r\n")
				c.until("person> ")
				// Lines enough that a reader would have one: who of two gets a line is the
				// kernel's choice.
				for range 20 {
					if said := c.ask("echo what is $((40+2)) secret", "person> "); said != "what is 42 secret\r\n" {
						t.Errorf("the person's shell said %q", said)
					}
				}
				if why := c.wrong(); why != "" || !exists(w.path("project/stolen")) {
					t.Errorf("the thief read %q", why)
				}
			})
		}
	})
}

// signals sends a signal to the process of that name.
func (c *console) signals(name string, sent syscall.Signal) {
	c.t.Helper()
	for _, pid := range descendants(c.shell.Process.Pid) {
		if text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm"); err == nil && string(text) == name+"\n" {
			if err := syscall.Kill(pid, sent); err != nil {
				c.t.Fatal(err)
			}
			return
		}
	}
	c.t.Fatalf("there is no %s", name)
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
