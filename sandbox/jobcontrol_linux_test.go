package sandbox_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

// Below a person's shell the run is a job like any other: it stops and goes on,
// sees a new window size, gets a key's signal once, and gives its status back.
func TestJobControl(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		c := consoleFor(t, newWorld(t), `n=0; trap "n=\$((n+1))" INT; trap "stty size" WINCH
echo begun
while :; do
  if read line; then case $line in count) echo "interrupts $n";; end) exit 42;; *) echo "heard $line";; esac; fi
done`)
		c.say("./run\n")
		c.until("begun\r\n")
		c.say("one\n")
		c.until("heard one\r\n")
		c.say("\x1a") // Ctrl-Z
		c.until("Stopped")
		c.until("person> ")
		// The shell waits for the run's own process only. A reader that was woken to be
		// stopped takes what is typed before it comes to that.
		c.stopped("sh")
		c.say("echo at the $((40+2))\n")
		c.until("at the 42\r\n")
		c.say("fg\n")
		c.until("./run\r\n")
		c.say("two\n")
		c.until("heard two\r\n")
		if err := pty.Setsize(c.terminal, &pty.Winsize{Rows: 31, Cols: 77}); err != nil {
			t.Fatal(err)
		}
		c.until("31 77")
		c.say("\x03")
		c.until("^C")
		c.say("count\n")
		c.until("interrupts 1\r\n")
		c.say("end\n")
		c.until("person> ")
		if said := c.ask("echo status $?", "person> "); said != "status 42\r\n" {
			t.Errorf("said %q", said)
		}
	})
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
