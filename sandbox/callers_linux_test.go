package sandbox

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// A repeat is told with the first one's program, everything else is looked up;
// and what is remembered is bounded.
func TestCallersAreRememberedForRepeatsOnly(t *testing.T) {
	shell := exec.CommandContext(t.Context(), "sh", "-c", "read line; exec sleep 1000")
	input, err := shell.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = shell.Process.Kill(); _ = shell.Wait() }()
	who := newIdentity(shell.Process.Pid)
	defer who.close()
	var c callers
	now := time.Now()
	ask := func(target string, at time.Time) string {
		return filepath.Base(c.find(who, refused{pid: shell.Process.Pid, operation: "open", target: target}, at).program)
	}
	first := ask("/a", now)
	if first == "sleep" || first == "." {
		t.Fatalf("the shell is %q", first)
	}
	if _, err := input.Write([]byte("\n")); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if program, _ := who.describe(shell.Process.Pid); filepath.Base(program) == "sleep" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the shell did not become the other program")
		}
	}
	if again := ask("/a", now.Add(callerFresh/2)); again != first {
		t.Errorf("a repeat is told of %q", again)
	}
	if other := ask("/b", now); other != "sleep" {
		t.Errorf("another target is told of %q", other)
	}
	if later := ask("/a", now.Add(callerFresh)); later != "sleep" {
		t.Errorf("a later one is told of %q", later)
	}
	for i := range 3 * callersKept {
		ask(strconv.Itoa(i), now)
	}
	if n := len(c.known); n > callersKept {
		t.Errorf("%d callers are kept", n)
	}
}
