package sandbox_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

// Below a person's shell the run is a job like any other: it stops and goes on,
// sees a new window size, gets a key's signal once, and gives its status back.
func TestJobControl(t *testing.T) {
	w := newWorld(t)
	script := w.path("job.sh")
	w.write("job.sh", `#!/bin/sh
exec env `+supervisorVariable+`="`+w.home+`" `+scriptVariable+`='n=0; trap "n=\$((n+1))" INT; trap "stty size" WINCH
echo begun
while :; do
  if read line; then case $line in count) echo "interrupts $n";; end) exit 42;; *) echo "heard $line";; esac; fi
done' /proc/self/exe
`)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(w.read("job.sh"), "/proc/self/exe", self, 1)
	w.write("job.sh", text)
	if err := os.Chmod(script, 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // a hang is a failure
	defer cancel()
	shell := exec.CommandContext(ctx, "bash", "--norc", "--noprofile", "-i")
	shell.Env = append(os.Environ(), "PS1=prompt> ", "HISTFILE=")
	terminal, err := pty.StartWithSize(shell, &pty.Winsize{Rows: 20, Cols: 60})
	require(t, err == nil, "no pseudo-terminals here")
	defer func() { _ = terminal.Close() }()
	go func() { <-ctx.Done(); _ = terminal.Close() }()
	out := bufio.NewReader(terminal)
	seen := strings.Builder{}
	until := func(want string) {
		t.Helper()
		from := seen.Len()
		for !strings.Contains(seen.String()[from:], want) {
			b, err := out.ReadByte()
			if err != nil {
				t.Fatalf("%v before %q in %q", err, want, seen.String())
			}
			seen.WriteByte(b)
		}
	}
	say := func(text string) {
		t.Helper()
		if _, err := terminal.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	until("prompt> ")
	say(script + "\n")
	until("begun\r\n")
	say("one\n")
	until("heard one\r\n")
	say("\x1a") // Ctrl-Z
	until("Stopped")
	until("prompt> ")
	// The shell waits for the run's own process only. A reader that was woken to be
	// stopped takes what is typed before it comes to that.
	waitStopped(t, shell.Process.Pid, "sh")
	say("echo at the $((40+2))\n")
	until("at the 42\r\n")
	say("fg\n")
	until("job.sh")
	say("two\n")
	until("heard two\r\n")
	if err := pty.Setsize(terminal, &pty.Winsize{Rows: 31, Cols: 77}); err != nil {
		t.Fatal(err)
	}
	until("31 77")
	say("\x03")
	until("^C")
	say("count\n")
	until("interrupts 1\r\n")
	say("end\n")
	until("prompt> ")
	say("echo status $?\n")
	until("status 42\r\n")
	say("exit\n")
	_ = shell.Wait()
}

// waitStopped returns when the process of that name below pid is stopped.
func waitStopped(t *testing.T, pid int, name string) {
	t.Helper()
	var state string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		state = "not there"
		for _, below := range descendants(pid) {
			status, err := os.ReadFile("/proc/" + strconv.Itoa(below) + "/status")
			if err != nil || !strings.HasPrefix(string(status), "Name:\t"+name+"\n") {
				continue
			}
			if _, state, _ = strings.Cut(string(status), "State:\t"); strings.HasPrefix(state, "T") {
				return
			}
		}
	}
	t.Fatalf("%s below %d is not stopped: %.20s", name, pid, state)
}

func descendants(pid int) []int {
	var all []int
	lists, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/children")
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue
		}
		for word := range strings.FieldsSeq(string(text)) {
			if child, err := strconv.Atoi(word); err == nil {
				all = append(append(all, child), descendants(child)...)
			}
		}
	}
	return all
}
