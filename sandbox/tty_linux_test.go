package sandbox_test

import (
	"bufio"
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

// On a terminal the command has it as it is: size, keys, job signals; the
// supervisor outlives the keys and gives back the command's status.
func TestTerminal(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		w := newWorld(t)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // a hang is a failure
		defer cancel()
		command := exec.CommandContext(ctx, "/proc/self/exe")
		command.Env = w.supervised(`
trap 'echo interrupted; exit 5' INT
test -t 0 && test -t 1 && stty size && (echo through > /dev/tty)
python=/usr/bin/python3
test -x $python && $python -c 'import fcntl
try: fcntl.ioctl(0, 0x5412, b"x"); print("injected")
except OSError as e: print("refused", e.errno)'
sleep 1000 &
echo ready
while :; do wait; done`)
		terminal, err := pty.StartWithSize(command, &pty.Winsize{Rows: 33, Cols: 77})
		require(t, err == nil, "no pseudo-terminals here")
		defer func() { _ = terminal.Close() }()
		out := bufio.NewReader(terminal)
		var seen []string
		for {
			line, err := out.ReadString('\n')
			if err != nil {
				t.Fatalf("%v after %q", err, seen)
			}
			seen = append(seen, strings.TrimSpace(line))
			if strings.TrimSpace(line) == "ready" {
				break
			}
		}
		text := strings.Join(seen, "\n")
		if !strings.Contains(text, "33 77") || !strings.Contains(text, "through") || strings.Contains(text, "injected") {
			t.Errorf("saw %q", seen)
		}
		if _, err := terminal.Write([]byte{3}); err != nil { // Ctrl-C
			t.Fatal(err)
		}
		for {
			line, err := out.ReadString('\n')
			if err != nil {
				t.Fatalf("%v before the command said so", err)
			}
			if strings.Contains(line, "interrupted") {
				break
			}
		}
		_ = command.Wait()
		if code := command.ProcessState.ExitCode(); code != 5 {
			t.Errorf("status %d", code)
		}
	})
}
