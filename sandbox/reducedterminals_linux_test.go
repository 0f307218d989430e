package sandbox_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// What starts others at a terminal of their own does so in a reduced cage, too: script,
// tmux, expect, and every library for it.
func TestReducedMakesTerminals(t *testing.T) {
	w := newWorld(t).reduced().allow("project")
	res := w.sh(`cd ~/project; python3 -c 'import pty; pty.spawn(["sh", "-c", "tty; echo hello > $(tty); stty size"])' < /dev/null; script -qec "test -t 0 && tty" log < /dev/null
		export TMUX_TMPDIR=$TMPDIR; tmux -f /dev/null new-session -d -s one "tty > tty; sleep 1000"; tmux list-sessions -F "#{session_name}"; tmux kill-server`)
	want := []string{"/dev/pts/N", "hello", "0 0", "/dev/pts/N", "one"}
	got := strings.Fields(res.out)
	if len(got) != 6 {
		t.Fatalf("out %q, err %q, denials %q", res.out, res.err, w.brief(res.denials))
	}
	for i, field := range got {
		if strings.HasPrefix(field, "/dev/pts/") {
			got[i] = "/dev/pts/N"
		}
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("out %q, err %q, denials %q", res.out, res.err, w.brief(res.denials))
	}
}

// A terminal of the person's is not the run's because one of the run's had its number.
func TestReducedTerminalOfAnotherWithTheSameNumber(t *testing.T) {
	w := newWorld(t).reduced().allow("project")
	k := newTalk(t, w)
	for range 20 {
		name := k.run(`python3 -c 'import os; print(os.ttyname(os.openpty()[1]))'`)
		number, err := strconv.Atoi(strings.TrimPrefix(name, "/dev/pts/"))
		if err != nil {
			t.Fatalf("%q", name)
		}
		if !terminalWithNumber(t, number) {
			continue // another program has it by now
		}
		if k.works("echo stolen > " + name) {
			t.Error("it wrote to a terminal outside")
		}
		_ = k.in.Close()
		res := k.wait()
		if want := fmt.Sprint("path.write open ", name); !slices.Contains(w.brief(res.denials), want) {
			t.Errorf("%q is not among %q", want, w.brief(res.denials))
		}
		return
	}
	t.Fatal("the number was never free")
}

// terminalWithNumber makes terminals until one has the number, which stays until the test's
// end.
func terminalWithNumber(t *testing.T, wanted int) bool {
	t.Helper()
	for range wanted + 2 {
		master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = master.Close() })
		number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
		if err != nil {
			t.Fatal(err)
		}
		if number == wanted {
			return true
		}
	}
	return false
}

// Terminals are bounded, and those that have gone are not counted.
func TestReducedTerminalsAreBounded(t *testing.T) {
	w := newWorld(t).reduced().allow("project")
	res := w.sh(`ulimit -n 1024; python3 -c '
import os
for _ in range(600):
    for fd in os.openpty(): os.close(fd)
held = []
try:
    while len(held) < 400: held.append(os.open("/dev/ptmx", os.O_RDWR))
except OSError as e: print(len(held), e.strerror)'`)
	if res.out != "256 No space left on device\n" {
		t.Errorf("out %q, err %q", res.out, res.err)
	}
}
