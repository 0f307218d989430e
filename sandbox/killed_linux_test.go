package sandbox_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// meetVariable has a supervisor of the tests do what meet says.
const meetVariable = "OPENCLAW_TEST_MEET"

// A supervisor that is killed while programs wait for its answers, and the supervisor and the
// cage's first process for what those programs hold in the kernel, leaves nobody waiting.
func TestSupervisorKilledWhileAFolderIsHeld(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"project/bound/file", "project/.env", asksName + "/here"} {
		w.write(name, "")
	}
	// To make a socket's name is no call that is handed over: the kernel holds the folder
	// while the gate asks. The second program waits for the folder, and has it next.
	const script = `echo ready; cd ~/project; exec perl -MSocket -e '
		$SIG{CHLD} = "IGNORE"; my $mark = "$ENV{MARK}";
		sub name { my $at = shift; if (!fork) { $0 = "$at$mark"; socket(my $s, AF_UNIX, SOCK_STREAM, 0); bind($s, sockaddr_un("$at$mark")); exit } }
		for (1 .. 2) { until (-e "bound/go$_") { select undef, undef, undef, 0.01 } name($_) }
		sleep 1000'`
	w.write(deniesName, "")
	mark := markOf(w.home)
	t.Cleanup(func() { // or it, and who waits for it, would stay for ever
		for pid := range called("2" + mark) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	command, out := supervised(t, w, meetVariable+"=1", scriptVariable+"=export HOME="+w.home+" MARK="+mark+"; "+script)
	if line, err := out.ReadString('\n'); err != nil || line != "met\n" {
		t.Errorf("%q %v", line, err)
	}
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	endsAfterKill(t, command, out)
}

// meet has a program of the cage hold the project and another one wait for it, and then both
// the cage's kernel be told of a name in it and the first process look for one there.
func meet(process *sandbox.Process, home string) {
	say := sayError
	project, mark := filepath.Join(home, "project"), markOf(home)
	bound, later := filepath.Join(project, "bound"), filepath.Join(project, "new")
	next, err := compile(home, policy.Permissions{
		AllowedPaths: []policy.PathEntry{{Path: bound}, {Path: later}}, DeniedPaths: []string{filepath.Join(project, ".env")},
		Ask: []policy.Class{policy.ClassPathWrite},
	})
	if err == nil {
		_, err = process.Update(next)
	}
	say(err)
	say(os.Mkdir(later, 0o700)) // the kernel has not looked for it
	process.Hold(later)
	goOn := func(name string) { say(os.WriteFile(filepath.Join(bound, name), nil, 0o600)) }
	goOn("go1")
	until(func() bool {
		asked, err := os.ReadFile(filepath.Join(home, asksName, "asked"))
		return err == nil && strings.HasPrefix(string(asked), "held gate mknod 1"+mark+"\n")
	})
	goOn("go2")
	until(func() bool {
		for pid := range called("2" + mark) {
			return waiting(pid) == 1
		}
		return false
	})
	here := waitingHere
	go func() { say(process.GiveBack(bound)) }()
	until(func() bool { return process.GivenBack(bound) })
	seen := 0
	until(func() bool { // any thread may wait for a moment
		if seen++; here() == 0 {
			seen = 0
		}
		return seen == 5
	})
	go func() { say(process.Bind(later)) }()
	until(func() bool { return here() >= 2 })
	_, _ = os.Stdout.WriteString("met\n")
}

// sayError has the test that reads what this supervisor says fail.
func sayError(err error) {
	if err != nil {
		_, _ = os.Stdout.WriteString(err.Error() + "\n")
	}
}

// waitingHere counts the threads of this process and of its children that wait in the
// kernel for what no signal ends.
func waitingHere() (count int) {
	files, _ := filepath.Glob("/proc/self/task/*/children")
	for _, file := range files {
		text, _ := os.ReadFile(file)
		for child := range strings.FieldsSeq(string(text)) {
			if pid, err := strconv.Atoi(child); err == nil {
				count += waiting(pid)
			}
		}
	}
	return count + waiting(os.Getpid())
}

// until returns when something holds, or ends this program after a minute.
func until(holds func() bool) {
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			_, _ = os.Stdout.WriteString("they never met\n")
			os.Exit(1)
		}
	}
}

// markOf tells the processes of a world's cage from those of another.
func markOf(home string) string { return home[strings.LastIndexByte(home, '-')+1:] }

// called are the processes of a name.
func called(name string) map[int]bool {
	pids := map[int]bool{}
	files, _ := filepath.Glob("/proc/[0-9]*/comm")
	for _, file := range files {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if text, readable := os.ReadFile(file); err == nil && readable == nil && strings.TrimSpace(string(text)) == name {
			pids[pid] = true
		}
	}
	return pids
}

// waiting counts the threads of a process that wait in the kernel for what no signal ends.
func waiting(pid int) (count int) {
	files, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/stat")
	for _, file := range files {
		text, _ := os.ReadFile(file)
		if _, rest, ok := strings.Cut(string(text), ") "); ok && rest[0] == 'D' {
			count++
		}
	}
	return count
}
