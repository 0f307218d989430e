package sandbox_test

import (
	"bufio"
	"os/exec"
	"syscall"
	"testing"
)

const relaysVariable = "OPENCLAW_TEST_SAY_RELAYS"

// Without a terminal an interrupt reaches the command once, whether a key sent it to the
// whole group or another program to the one who runs it: a script's kill -INT, a test
// runner's time limit.
func TestInterruptOfTheOneWhoRunsIt(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		command := exec.CommandContext(t.Context(), "/proc/self/exe")
		command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		command.Env = append(newWorld(t).supervised(`exec perl -e '$| = 1; $SIG{INT} = $SIG{QUIT} = sub { $n++; print "@_\n" };
			$SIG{TERM} = sub { print "$n in all\n"; exit }; print "ready\n"; for (1 .. 600) { select undef, undef, undef, 0.1 }'`), relaysVariable+"=1")
		stdout, err := command.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		out := bufio.NewReader(stdout)
		for range 2 { // that it runs, and that signals are passed on
			if _, err := out.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
		one := command.Process.Pid
		for _, step := range []struct {
			whom int
			sent syscall.Signal
			says string
		}{
			{one, syscall.SIGINT, "INT\n"},
			{one, syscall.SIGQUIT, "QUIT\n"},
			{-one, syscall.SIGINT, "INT\n"},
			{one, syscall.SIGQUIT, "QUIT\n"}, // behind a second INT, if there were one
			{one, syscall.SIGTERM, "4 in all\n"},
		} {
			if err := syscall.Kill(step.whom, step.sent); err != nil {
				t.Fatal(err)
			}
			if line, err := out.ReadString('\n'); err != nil || line != step.says {
				t.Fatalf("%v to %d: %q %v, want %q", step.sent, step.whom, line, err, step.says)
			}
		}
		_ = command.Wait()
	})
}

func TestInterruptOfTheOneWhoRunsItAsOrdinaryUser(t *testing.T) {
	ordinary(t, "^TestInterruptOfTheOneWhoRunsIt$")
}
