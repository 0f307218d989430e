package sandbox_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"openclaw/sandbox"
	"openclaw/sandbox/linux/stage"
)

// Every signal that ends a process ends the command as it would outside, and is
// reported by its number; the others do not. The real-time signals are alike: the
// first and the last of them stand for all.
func TestEverySignal(t *testing.T) {
	w := newWorld(t)
	ignored := map[int]bool{int(syscall.SIGCHLD): true, int(syscall.SIGCONT): true, int(syscall.SIGURG): true, int(syscall.SIGWINCH): true}
	stops := map[int]bool{int(syscall.SIGSTOP): true, int(syscall.SIGTSTP): true, int(syscall.SIGTTIN): true, int(syscall.SIGTTOU): true}
	for n := 1; n <= 64; n++ {
		if stops[n] || n > 35 && n < 63 {
			continue // the stops: see TestJobControl
		}
		_, wait := start(t, w.spec("sh", "-c", fmt.Sprintf("kill -%d $$; exit 9", n)))
		want := sandbox.ExitStatus{Code: 128 + n, Signal: n}
		if ignored[n] {
			want = sandbox.ExitStatus{Code: 9}
		}
		if res := wait(); res.status != want {
			t.Errorf("signal %d: %+v %q", n, res.status, res.err)
		}
	}
	res := w.sh("grep -E '^Sig(Ign|Blk|Cgt)' /proc/self/status")
	for line := range strings.Lines(res.out) {
		name, mask, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name != "SigCgt" && strings.Trim(mask, "\t0") != "" {
			t.Errorf("a program begins with %s%s", name, mask)
		}
	}
}

// Whatever this process has open stays out, with or without the mark to close
// it: files, folders, sockets, both ends of pipes; and nothing stays open here.
func TestNoDescriptorGetsIn(t *testing.T) {
	w := newWorld(t).allow("project")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	var open []int
	keep := func(fd int, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, fd)
	}
	for range 30 {
		fd, err := unix.Open(w.path(".ssh/id_ed25519"), unix.O_RDWR, 0)
		keep(fd, err)
		fd, err = unix.Open("/", unix.O_RDONLY|unix.O_DIRECTORY, 0)
		keep(fd, err)
		fd, err = unix.Open(w.home, unix.O_PATH, 0)
		keep(fd, err)
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		keep(pair[0], err)
		keep(pair[1], nil)
		fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		keep(fd, err)
	}
	high, err := unix.FcntlInt(uintptr(open[0]), unix.F_DUPFD, 900)
	keep(high, err)
	defer func() {
		for _, fd := range open {
			_ = unix.Close(fd)
		}
	}()
	w.sh("true")
	before := descriptors(t, "self")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	// No pipeline and no redirection: while a shell makes one, it holds more itself.
	spec := w.spec("sh", "-c", `ls /proc/$$/fd; echo ready; exec sleep 1000`)
	spec.Stdout = write
	process, wait := start(t, spec)
	_ = write.Close()
	var seen []string
	for said := bufio.NewReader(read); ; {
		line, err := said.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line == "ready\n" {
			break
		}
		seen = append(seen, strings.TrimSpace(line))
	}
	if !slices.Equal(seen, []string{"0", "1", "2"}) {
		t.Errorf("seen inside: %q", seen)
	}
	// The shell has become the last command when only its own three are left: until
	// then the loader of that command holds a library.
	for deadline := time.Now().Add(time.Minute); len(descriptorsOf(t, process.PID())) != 3 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	// From outside, what the command and the cage's first process hold.
	for _, target := range descriptorsOf(t, process.PID()) {
		if strings.HasPrefix(target, w.home) || target == "/" || strings.Contains(target, "id_ed25519") {
			t.Errorf("the command holds %s", target)
		}
	}
	if n := len(descriptorsOf(t, process.PID())); n != 3 {
		t.Errorf("the command has %d descriptors", n)
	}
	for _, target := range descriptorsOf(t, parentOf(t, process.PID())) {
		if strings.HasPrefix(target, w.home) || strings.Contains(target, "id_ed25519") {
			t.Errorf("the first process holds %s", target)
		}
	}
	if err := process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	wait()
	_ = read.Close()
	const runs = 15 // what one of them leaves open is seen
	for range runs {
		w.sh("cat ~/.ssh/id_ed25519")
	}
	// What closes them beside the test may have a few of the last run still.
	eventually(t, fmt.Sprintf("no more than the %d descriptors of before %d runs, which are %d at first", before, runs+1, descriptors(t, "self")), func() bool { return descriptors(t, "self") <= before })
}

func descriptors(t *testing.T, pid string) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/" + pid + "/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// descriptorsOf lists what a process has open. An ordinary user may not look
// into the cage's first process, which is the point of it.
func descriptorsOf(t *testing.T, pid int) []string {
	t.Helper()
	dir := "/proc/" + strconv.Itoa(pid) + "/fd"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var list []string
	for _, entry := range entries {
		if target, err := os.Readlink(filepath.Join(dir, entry.Name())); err == nil {
			list = append(list, target)
		}
	}
	return list
}

func parentOf(t *testing.T, pid int) int {
	t.Helper()
	for line := range strings.Lines(readFile(t, "/proc/"+strconv.Itoa(pid)+"/status")) {
		if value, ok := strings.CutPrefix(line, "PPid:"); ok {
			parent, err := strconv.Atoi(strings.TrimSpace(value))
			if err != nil {
				t.Fatal(err)
			}
			return parent
		}
	}
	t.Fatal("no parent")
	return 0
}

// Whoever is killed, and whenever: the supervisor, the cage's first process, or
// the command. No daemon of the run is left.
func TestKilledAtAnyMoment(t *testing.T) {
	w := newWorld(t)
	mark := sleepMark(w.home)
	script := `for i in 1 2 3; do (setsid sh -c "trap '' TERM HUP INT; (sleep ` + mark + ` &) ; sleep ` + mark + `" &) ; done; trap '' TERM HUP INT; while :; do (sleep ` + mark + ` & ) ; sleep 0.01; done`
	for round := range 24 {
		command := exec.Command("/proc/self/exe")
		command.Env = append(os.Environ(), supervisorVariable+"="+w.home, scriptVariable+"="+script)
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.IntN(90_000)) * time.Microsecond)
		victim := command.Process.Pid
		// By its name: Go's own start of a process has another child for a moment.
		if init := childThat(victim, stage.Name); init != 0 && round%3 != 0 {
			victim = init
			if child := childThat(init, "sh\x00-c\x00for"); child != 0 && round%3 == 2 {
				victim = child // not one of the orphans that the first process took in
			}
		}
		_ = syscall.Kill(victim, syscall.SIGKILL)
		done := make(chan struct{})
		go func() { _ = command.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(time.Minute):
			_ = command.Process.Kill()
			t.Fatalf("round %d: the supervisor does not end", round)
		}
		left := []string{"?"}
		for deadline := time.Now().Add(time.Minute); len(left) > 0 && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
			left = sleepers(t, w.home)
		}
		if len(left) > 0 {
			t.Fatalf("round %d: left behind %q", round, left)
		}
	}
}

// childThat is a child of a process whose command line begins so.
func childThat(pid int, begins string) int {
	lists, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/children")
	if err != nil {
		return 0
	}
	for _, name := range lists {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		for word := range strings.FieldsSeq(string(text)) {
			child, err := strconv.Atoi(word)
			if err != nil {
				continue
			}
			line, err := os.ReadFile("/proc/" + word + "/cmdline")
			if err == nil && strings.HasPrefix(string(line), begins) {
				return child
			}
		}
	}
	return 0
}
