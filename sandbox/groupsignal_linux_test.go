package sandbox_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// family is a command with a child in its process group. Both say which signals they get.
const family = `exec perl -e '$| = 1; my $who = "command"; my $child = fork; $who = "child" unless $child;
	for my $name (qw(INT QUIT TERM HUP USR1 USR2 WINCH CONT)) { $SIG{$name} = sub { syswrite STDOUT, "$who $_[0]\n" } }
	syswrite STDOUT, "$who ready\n"; for (1 .. 600) { select undef, undef, undef, 0.1 }'`

// Without a terminal the run is one process of the person's session. A signal to that one
// reaches the command alone, as it would without a cage, and one to its whole group
// reaches all of the command's group; each once.
func TestSignalsOfTheGroup(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		run := startRun(t, newWorld(t), "", "exec ", family)
		run.says("child ready", "command ready", "relays")
		one := run.command.Process.Pid
		for _, step := range []struct {
			sent  syscall.Signal
			name  string
			alone bool // it may be sent to the one who runs it alone
		}{
			{syscall.SIGINT, "INT", true},
			{syscall.SIGTERM, "TERM", true},
			{syscall.SIGHUP, "HUP", true},
			{syscall.SIGUSR1, "USR1", true},
			{syscall.SIGUSR2, "USR2", true},
			{syscall.SIGQUIT, "QUIT", true},
			{syscall.SIGWINCH, "WINCH", false},
			{syscall.SIGCONT, "CONT", false},
		} {
			if step.alone {
				run.sends(one, step.sent)
				run.says("command " + step.name)
			}
			run.sends(-one, step.sent)
			run.says("child "+step.name, "command "+step.name)
		}
	})
}

func TestSignalsOfTheGroupAsOrdinaryUser(t *testing.T) {
	ordinary(t, "^TestSignalsOfTheGroup$")
}

// Who was started with a hang-up or an interrupt ignored ignores it: a program that nohup
// starts, or that a script puts into the background.
func TestIgnoredSignalsStayIgnored(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		run := startRun(t, newWorld(t), "", `trap "" HUP INT; exec `, `trap "echo ended; exit" TERM; echo ready; while :; do sleep 0.01; done`)
		run.says("ready", "relays")
		one := run.command.Process.Pid
		for _, to := range []int{one, -one} {
			run.sends(to, syscall.SIGHUP)
			run.sends(to, syscall.SIGINT)
		}
		run.sends(one, syscall.SIGTERM)
		run.says("ended")
	})
}

// A stop of the group stops all of it, and it goes on as one.
func TestStopOfTheGroup(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		run := startRun(t, newWorld(t), "", "exec ", family)
		run.says("child ready", "command ready", "relays")
		one := run.command.Process.Pid
		all := append(run.pids("perl"), one)
		for _, whom := range []int{-one, one} {
			run.sends(whom, syscall.SIGTSTP)
			for _, pid := range all {
				eventually(t, "it has stopped", func() bool { return state(pid) == "T" })
			}
			run.sends(whom, syscall.SIGCONT)
			run.says("child CONT", "command CONT")
			run.sends(one, syscall.SIGUSR1) // who runs it has been told to go on by then
			run.says("command USR1")
		}
		run.sends(-one, syscall.SIGTERM)
		run.says("child TERM", "command TERM")
	})
}

func TestStopOfTheGroupAsOrdinaryUser(t *testing.T) {
	ordinary(t, "^TestStopOfTheGroup$")
}

// couple is a command with a child in its process group, which say nothing of the signals
// that stop them and have them go on.
const couple = `exec perl -e 'my $who = "command"; my $child = fork; $who = "child" unless $child;
	for my $name (qw(USR1 USR2)) { $SIG{$name} = sub { syswrite STDOUT, "$who $_[0]\n" } }
	syswrite STDOUT, "$who ready\n"; for (1 .. 6000) { select undef, undef, undef, 0.1 }'`

// A stop that is taken back at once stops nobody for ever: the two signals may be heard
// together, and in either order. One that comes by itself stops all of the run, also
// after many such pairs.
func TestStopThatIsTakenBack(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		run := startRun(t, newWorld(t), "", "exec ", couple)
		run.says("child ready", "command ready", "relays")
		one := run.command.Process.Pid
		all := append(run.pids("perl"), one)
		stopped := func(want bool) {
			for _, pid := range all {
				eventually(t, fmt.Sprintf("all of %d has stopped: %t", all, want), func() bool { return (state(pid) == "T") == want })
			}
		}
		for range 5 {
			for range 20 {
				run.sends(-one, syscall.SIGTSTP)
				run.sends(-one, syscall.SIGCONT)
				run.sends(-one, syscall.SIGUSR2)
				run.says("child USR2", "command USR2")
				stopped(false)
			}
			run.sends(one, syscall.SIGTSTP)
			run.sends(one, syscall.SIGCONT)
			for _, whom := range []int{one, -one} {
				run.sends(one, syscall.SIGUSR1) // by then it has been told to go on
				run.says("command USR1")
				run.sends(whom, syscall.SIGTSTP)
				stopped(true)
				run.sends(whom, syscall.SIGCONT)
				stopped(false)
			}
		}
	})
}

func TestStopThatIsTakenBackAsOrdinaryUser(t *testing.T) {
	ordinary(t, "^TestStopThatIsTakenBack$")
}

// A group that nobody could have go on is told of the key that stops, and does not stop
// (POSIX.1-2017, 2.4.3).
func TestStopOfAnOrphanedGroup(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		run := startRun(t, newWorld(t), "its own", "exec ", strings.Replace(family, "TERM", "TERM TSTP", 1))
		run.says("child ready", "command ready", "relays")
		one := run.command.Process.Pid
		run.sends(-one, syscall.SIGTSTP)
		run.says("child TSTP", "command TSTP")
		run.sends(one, syscall.SIGTERM) // the one who runs it goes on as well
		run.says("command TERM")
	})
}

// A run that was started with less of the processors than others gets less, although its
// session is not the one that it was started in.
func TestNiceRunStaysNice(t *testing.T) {
	require(t, exists("/proc/self/autogroup"), "the kernel divides the processors by other things than sessions")
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		run := startRun(t, newWorld(t), "", "exec nice -n 7 ", family)
		run.says("child ready", "command ready", "relays")
		one := run.command.Process.Pid
		raw, err := unix.Getpriority(unix.PRIO_PROCESS, one) // 20 less the value
		if err != nil || raw >= 20 {
			t.Fatalf("%d %v", raw, err)
		}
		own, _ := os.ReadFile("/proc/self/autogroup") // it was there
		var share []byte
		eventually(t, "it counts less", func() bool {
			share, _ = os.ReadFile("/proc/" + strconv.Itoa(run.pids("perl")[0]) + "/autogroup") // it was there
			return strings.HasSuffix(string(share), fmt.Sprintf(" nice %d\n", 20-raw))
		})
		if now, err := os.ReadFile("/proc/self/autogroup"); err != nil || string(now) != string(own) {
			t.Errorf("this session counts as %q, before as %q", now, own)
		}
	})
}

// grouped is a run without a terminal in a process group of its own.
type grouped struct {
	t       *testing.T
	command *exec.Cmd
	pipe    *os.File
	out     *bufio.Reader
}

// startRun has a shell start the run, by the words before its name, in the session of
// this process or in its own.
func startRun(t *testing.T, w *world, session, words, script string) *grouped {
	t.Helper()
	command := exec.CommandContext(t.Context(), "/bin/sh", "-c", words+"/proc/$PPID/exe")
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: session == "", Setsid: session != "", Pdeathsig: syscall.SIGKILL}
	command.Env = append(w.supervised(script), relaysVariable+"=1")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = read.Close() })
	command.Stdout = write
	err = command.Start()
	_ = write.Close()
	if err != nil {
		t.Fatal(err)
	}
	g := &grouped{t: t, command: command, pipe: read, out: bufio.NewReader(read)}
	t.Cleanup(func() {
		_ = command.Process.Kill() // it may have ended
		_ = command.Wait()
	})
	return g
}

// pids are the processes of a name below the one who runs it.
func (g *grouped) pids(name string) []int {
	g.t.Helper()
	var all []int
	for _, pid := range descendants(g.command.Process.Pid) {
		if text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm"); err == nil && string(text) == name+"\n" {
			all = append(all, pid)
		}
	}
	if len(all) != 2 {
		g.t.Fatalf("%d processes are called %s", len(all), name)
	}
	return all
}

func (g *grouped) sends(to int, sent syscall.Signal) {
	g.t.Helper()
	if err := syscall.Kill(to, sent); err != nil {
		g.t.Fatal(err)
	}
}

// says reads lines, which come in any order.
func (g *grouped) says(want ...string) {
	g.t.Helper()
	if err := g.pipe.SetReadDeadline(time.Now().Add(time.Minute)); err != nil { // who is stopped says nothing
		g.t.Fatal(err)
	}
	var got []string
	for range want {
		line, err := g.out.ReadString('\n')
		if err != nil {
			g.t.Fatalf("%v after %q, want %q", err, got, want)
		}
		got = append(got, strings.TrimSpace(line))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		g.t.Fatalf("%q, want %q", got, want)
	}
}
