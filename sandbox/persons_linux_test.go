package sandbox_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// reacher tries to get at the terminal and the processes that are named in the line that
// it reads, and says of each way whether it worked.
const reacher = `
import ctypes, fcntl, os, signal, struct, sys
for each in (signal.SIGTSTP, signal.SIGTTOU, signal.SIGTTIN, signal.SIGHUP):
    signal.signal(each, signal.SIG_IGN)
print("begun", flush=True)
name, device, shell, above = sys.stdin.readline().split()
device, shell, above = int(device), int(shell), int(above)
libc = ctypes.CDLL(None, use_errno=True)

def theirs(fd):
    try:
        return struct.unpack("I", fcntl.ioctl(fd, 0x80045432, b"\0" * 4))[0] == device # TIOCGDEV
    except OSError:
        return False

def way(what):
    def add(function):
        pid = os.fork()
        if pid == 0:
            worked = False
            try:
                worked = function() is not False
            except OSError:
                pass
            os._exit(0 if worked else 1)
        print("way", what, "worked" if os.waitpid(pid, 0)[1] == 0 else "held", flush=True)
    return add

@way("a descriptor that came along")
def _(): return any(theirs(fd) for fd in range(256))
@way("the name of everybody's own terminal")
def _(): return theirs(os.open("/dev/tty", os.O_RDWR))
@way("its path")
def _(): return theirs(os.open(name, os.O_RDWR | os.O_NOCTTY))
@way("its path, to read")
def _(): return theirs(os.open(name, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK))
@way("its path, to write")
def _(): return theirs(os.open(name, os.O_WRONLY | os.O_NOCTTY))
@way("its path, from a session without a terminal")
def _():
    os.setsid()
    return theirs(os.open(name, os.O_RDWR))
@way("its path, after letting go of the run's")
def _():
    fcntl.ioctl(os.open("/dev/tty", os.O_RDWR), 0x5422) # TIOCNOTTY
    return theirs(os.open(name, os.O_RDWR | os.O_NOCTTY))
@way("a link to its path")
def _():
    os.symlink(name, "link-%d" % os.getpid())
    return theirs(os.open("link-%d" % os.getpid(), os.O_RDWR | os.O_NOCTTY))
@way("a path by a descriptor of a folder")
def _(): return theirs(os.open(os.path.basename(name), os.O_RDWR | os.O_NOCTTY, dir_fd=os.open(os.path.dirname(name), os.O_PATH)))
@way("a name of a name")
def _(): return theirs(os.open("/proc/self/fd/%d" % os.open(name, os.O_PATH), os.O_RDWR | os.O_NOCTTY))
@way("the shell's descriptor by its name")
def _(): return theirs(os.open("/proc/%d/fd/0" % shell, os.O_RDWR | os.O_NOCTTY))
@way("the shell's descriptor, taken")
def _():
    fd = libc.syscall(438, os.pidfd_open(shell), 0, 0) # pidfd_getfd
    return fd >= 0 and theirs(fd)
@way("the descriptor of who started it")
def _(): return theirs(os.open("/proc/%d/fd/0" % above, os.O_RDWR | os.O_NOCTTY))
@way("typing into its own")
def _(): fcntl.ioctl(0, 0x5412, b"#") # TIOCSTI
@way("typing into what its name says")
def _(): fcntl.ioctl(os.open("/dev/tty", os.O_RDWR), 0x5412, b"#")
@way("a signal to the shell")
def _(): os.kill(shell, signal.SIGCONT)
@way("a signal to the shell's group")
def _(): os.killpg(shell, signal.SIGCONT)
@way("a signal to who started it")
def _(): os.kill(above, signal.SIGCONT)
@way("a signal to the group of who started it")
def _(): os.killpg(above, signal.SIGCONT)
print("tried", flush=True)
sys.stdin.readline()
`

// By no way does a program of the run get at the person's terminal, or at who starts and
// continues jobs there; each way works outside.
func TestPersonsTerminalIsOutOfReach(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		require(t, exists("/usr/bin/python3"), "python3 is not here")
		w := newWorld(t)
		w.write("project/reacher.py", reacher)
		c := consoleFor(t, w, "cd "+w.path("project")+"; exec /usr/bin/python3 reacher.py")
		name := c.personsTerminal()
		var stat unix.Stat_t
		if err := unix.Stat(name, &stat); err != nil {
			t.Fatal(err)
		}
		try := func(line string) map[string]string {
			t.Helper()
			c.say(line + "\n")
			c.until("begun\r\n")
			above := descendants(c.shell.Process.Pid)[0]
			device := unix.Minor(stat.Rdev)&0xff | unix.Major(stat.Rdev)<<8 | unix.Minor(stat.Rdev)&^0xff<<12 // new_encode_dev of linux/kdev_t.h
			c.say(fmt.Sprintf("%s %d %d %d\n", name, device, c.shell.Process.Pid, above))
			said := c.until("tried\r\n")
			c.say("\n")
			c.until("person> ")
			results := map[string]string{}
			for each := range strings.Lines(said) {
				if each, ok := strings.CutPrefix(strings.Trim(each, "#\r\n"), "way "); ok {
					at := strings.LastIndexByte(each, ' ')
					results[each[:at]] = each[at+1:]
				}
			}
			return results
		}
		outside := try("(cd project && exec /usr/bin/python3 reacher.py)")
		inside := try("./run")
		real := 0
		for way, came := range outside {
			if came != "worked" {
				t.Logf("not possible outside either: %s", way)
				continue
			}
			real++
			if inside[way] != "held" {
				t.Errorf("%s: %s", way, inside[way])
			}
		}
		if real < 14 || len(inside) != len(outside) {
			t.Errorf("%d ways worked outside, of %d; inside %d were tried", real, len(outside), len(inside))
		}
	})
}

// personsTerminal is the device of the shell's terminal.
func (c *console) personsTerminal() string {
	c.t.Helper()
	name, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(c.shell.Process.Pid), "fd/0"))
	if err != nil {
		c.t.Fatal(err)
	}
	return name
}

// givesAway gives the foreground of its terminal to whoever leads its session, and takes
// it back when it is told to by a file.
const givesAway = `
import os, signal, time
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
os.tcsetpgrp(0, os.getsid(0))
print("given", flush=True)
while not os.path.exists("back"):
    time.sleep(0.01)
os.tcsetpgrp(0, os.getpgrp())
print("taken", flush=True)
print("heard", input(), flush=True)
`

// The keys of a run whose terminal was given to the cage's own first process neither
// stop nor end that: the run goes on, and ends as it does.
func TestKeysToFirstProcess(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		require(t, exists("/usr/bin/python3"), "python3 is not here")
		w := newWorld(t)
		w.write("project/gives.py", givesAway)
		c := consoleFor(t, w, "cd "+w.path("project")+"; exec /usr/bin/python3 gives.py")
		c.say("./run\n")
		c.until("given\r\n")
		for _, key := range []string{"\x1a", "\x03", "\x1c"} {
			c.say(key)
			c.until(map[string]string{"\x1a": "^Z", "\x03": "^C", "\x1c": "^\\"}[key])
		}
		w.write("project/back", "")
		c.until("taken\r\n")
		c.say("line\n")
		c.until("heard line\r\n")
		c.until("person> ")
		if said := c.ask("echo status $?", "person> "); said != "status 0\r\n" {
			t.Errorf("said %q", said)
		}
	})
}
