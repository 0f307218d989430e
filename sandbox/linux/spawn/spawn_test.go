//go:build linux && (amd64 || arm64)

// The tests are a package of their own: with them in it, package spawn would
// depend on package syscall, and be initialised after it.
package spawn_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/spawn"
)

// limitVariable marks a child that says which limit of descriptors its own
// child has.
const limitVariable = "OPENCLAW_SPAWN_LIMIT"

// groupVariable marks a leader of a session that starts a group in its foreground.
const groupVariable = "OPENCLAW_SPAWN_GROUP"

func TestMain(m *testing.M) {
	if os.Getenv(limitVariable) != "" {
		said, failed, err := run(func(o *spawn.Options) { o.Arguments = []string{"sh", "-c", "ulimit -S -n"} })
		fmt.Print(said)
		if failed != nil || err != nil {
			fmt.Println(failed, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if os.Getenv(groupVariable) != "" {
		said, failed, err := run(func(o *spawn.Options) {
			plain(o)
			o.Leads, o.TerminalFD = spawn.Group, 0
			cat("/proc/self/stat", "/proc/self/status")(o)
		})
		fmt.Print(said)
		if failed != nil || err != nil {
			fmt.Println(failed, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const namespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS

func need(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("OPENCLAW_TEST_REQUIRE") == "all" {
		t.Fatalf("needs %s", what)
	}
	t.Skipf("needs %s", what)
}

// run starts a shell, unless change says otherwise, and returns what it said. It
// reads to the end of all that holds its output.
func run(change func(*spawn.Options)) (said string, failed *spawn.Failure, err error) {
	read, write, err := os.Pipe()
	if err != nil {
		return "", nil, err
	}
	defer read.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return "", nil, err
	}
	defer null.Close()
	o := spawn.Options{
		Program: "/bin/sh", Environment: []string{"A=one", "B="},
		Files:      []int{int(null.Fd()), int(write.Fd()), int(write.Fd())},
		Namespaces: namespaces, UID: os.Geteuid(), GID: os.Getegid(), CgroupFD: -1, TerminalFD: -1,
		Capabilities: []int{unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN, unix.CAP_CHECKPOINT_RESTORE},
		DeathSignal:  int(unix.SIGKILL),
	}
	change(&o)
	runtime.LockOSThread() // the death signal belongs to this thread
	defer runtime.UnlockOSThread()
	syscall.ForkLock.Lock()
	pid, failed := spawn.Start(&o)
	syscall.ForkLock.Unlock()
	_ = write.Close()
	if pid == 0 {
		return "", failed, nil
	}
	text, err := io.ReadAll(read)
	if err != nil {
		return "", failed, err
	}
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, 0, nil); err != nil {
		return "", failed, err
	}
	if failed == nil && status.ExitStatus() != 0 {
		return string(text), nil, fmt.Errorf("it ended with status %d, signal %v", status.ExitStatus(), status.Signal())
	}
	return string(text), failed, nil
}

// shell runs a script that must work.
func shell(t *testing.T, script string, change func(*spawn.Options)) string {
	t.Helper()
	said, failed, err := run(func(o *spawn.Options) {
		o.Arguments = []string{"sh", "-c", script}
		if change != nil {
			change(o)
		}
	})
	if failed != nil && syscall.Errno(failed.Errno) == unix.EPERM && failed.Step <= spawn.MapUsers {
		need(t, "user namespaces")
	}
	if failed != nil || err != nil {
		t.Fatalf("%+v, %v: %s", failed, err, said)
	}
	return said
}

// The program is the first process of its namespaces, is who its parent is, has
// the rights that were asked for, and its parent's signals are not its own.
func TestProgramIsWhatItIsToBe(t *testing.T) {
	status := shell(t, "", cat("/proc/self/status"))
	wanted := map[string]string{
		"Uid": strings.Repeat(fmt.Sprintf("\t%d", os.Geteuid()), 4), "Gid": strings.Repeat(fmt.Sprintf("\t%d", os.Getegid()), 4),
		"CapAmb": "\t0000010000201000", "SigBlk": "\t0000000000000000", "SigCgt": "\t0000000000000000", "Threads": "\t1",
	}
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		if want, ok := wanted[name]; ok {
			if value != want {
				t.Errorf("%s is %q, not %q", name, value, want)
			}
			delete(wanted, name)
		}
		if name == "NSpid" && !strings.HasSuffix(value, "\t1") {
			t.Errorf("it is process %q of its namespace", value)
		}
	}
	if len(wanted) > 0 {
		t.Errorf("the kernel does not say %v: %s", wanted, status)
	}
	if said := shell(t, "", cat("/proc/self/setgroups", "/proc/self/environ")); said != "deny\nA=one\x00B=\x00" {
		t.Errorf("groups and environment are %q", said)
	}
	// The first of /proc/PID/stat is the process, the fifth its group, the sixth its session (proc(5)).
	for leads, want := range map[spawn.Leads][2]bool{spawn.Nothing: {}, spawn.Group: {true, false}, spawn.Session: {true, true}} {
		stat := strings.Fields(shell(t, "", func(o *spawn.Options) { o.Leads = leads; cat("/proc/self/stat")(o) }))
		if got := [2]bool{stat[4] == stat[0], stat[5] == stat[0]}; got != want {
			t.Errorf("asked for %v, it leads a group and a session: %v", leads, got)
		}
	}
	for _, namespace := range []string{"user", "pid", "mnt", "net", "ipc", "uts"} {
		own := readlink(t, "/proc/self/ns/"+namespace)
		if its := strings.TrimSpace(shell(t, "readlink /proc/self/ns/"+namespace, nil)); its == own || !strings.HasPrefix(its, namespace) {
			t.Errorf("the %s namespace is %s, this process's is %s", namespace, its, own)
		}
	}
}

func cat(names ...string) func(*spawn.Options) {
	return func(o *spawn.Options) { o.Program, o.Arguments = "/bin/cat", append([]string{"cat"}, names...) }
}

// The program gets the descriptors in the order given, whatever their numbers
// were, and no other.
func TestDescriptorsAreThoseGiven(t *testing.T) {
	one, err := os.Create(filepath.Join(t.TempDir(), "one"))
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	two, err := os.Create(filepath.Join(t.TempDir(), "two"))
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	crossed := func(o *spawn.Options) {
		// Each has a number that another is to have, and one comes twice.
		o.Files = []int{int(two.Fd()), o.Files[1], o.Files[2], int(one.Fd()), int(two.Fd()), 0}
	}
	said := shell(t, "readlink /proc/self/fd/0 /proc/self/fd/3 /proc/self/fd/4", crossed)
	if want := two.Name() + "\n" + one.Name() + "\n" + two.Name() + "\n"; said != want {
		t.Errorf("descriptors 0, 3 and 4 are %q, not %q", said, want)
	}
	if got, want := shell(t, "readlink /proc/self/fd/5", crossed), readlink(t, "/proc/self/fd/0"); got != want+"\n" {
		t.Errorf("descriptor 5 is %q, not %q", got, want)
	}
	// What a program that starts cages does first: see sandbox.
	if err := unix.CloseRange(3, 1<<31-1, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	listed := strings.Fields(shell(t, "ls /proc/self/fd", func(o *spawn.Options) { o.Files = append(o.Files, int(one.Fd())) }))
	if got := strings.Join(listed, " "); got != "0 1 2 3 4" { // 4 is the folder that ls reads
		t.Errorf("it has the descriptors %s", got)
	}
}

func readlink(t *testing.T, name string) string {
	t.Helper()
	target, err := os.Readlink(name)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// Go raises the limit of descriptors for itself only.
func TestLimitOfDescriptorsIsTheOriginal(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	shell(t, "true", nil)
	for _, limit := range []string{"256", "333"} {
		child := exec.CommandContext(t.Context(), "sh", "-c", `ulimit -S -n $1; exec "$0"`, self, limit)
		child.Env = append(os.Environ(), limitVariable+"=1", "GORACE=atexit_sleep_ms=0")
		out, err := child.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if got := strings.TrimSpace(string(out)); got != limit {
			t.Errorf("started with a limit of %s, the program has %s", limit, got)
		}
	}
}

// A step that fails is named, with its reason, and nothing was run.
func TestFailureNamesTheStep(t *testing.T) {
	shell(t, "true", nil)
	for _, c := range []struct {
		step   spawn.Step
		errno  unix.Errno
		change func(*spawn.Options)
	}{
		{spawn.Clone, unix.EINVAL, func(o *spawn.Options) { o.Namespaces |= unix.CLONE_FS }},
		{spawn.Clone, unix.EBADF, func(o *spawn.Options) { o.CgroupFD = 1 << 20 }},
		{spawn.MapUsers, unix.EPERM, func(o *spawn.Options) { o.UID++ }},
		{spawn.MapUsers, unix.EPERM, func(o *spawn.Options) { o.GID++ }},
		{spawn.Raise, unix.EINVAL, func(o *spawn.Options) { o.Capabilities = []int{63} }},
		{spawn.Tie, unix.EINVAL, func(o *spawn.Options) { o.DeathSignal = 1000 }},
		{spawn.Descriptors, unix.EBADF, func(o *spawn.Options) { o.Files = append(o.Files, 1<<20) }},
		{spawn.Execute, unix.ENOENT, func(o *spawn.Options) { o.Program = "/no/such/program" }},
		{spawn.Execute, unix.EACCES, func(o *spawn.Options) { o.Program = "/etc" }},
	} {
		said, failed, err := run(func(o *spawn.Options) {
			o.Arguments = []string{"sh", "-c", "echo ran"}
			c.change(o)
		})
		if err != nil || said != "" || failed == nil || failed.Step != c.step || failed.Errno != uintptr(c.errno) {
			t.Errorf("want %s: %v; got %+v, %v, and the program said %q", c.step, c.errno, failed, err, said)
		}
	}
}

// Its parent shares its memory with a child that has every capability of another
// namespace, and is itself as before: it can be dumped, has its own limit and
// its own signals.
func TestParentStaysAsItIs(t *testing.T) {
	var before, after unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	shell(t, "true", nil)
	if dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); err != nil || dumpable != 1 {
		t.Errorf("dumpable is %d after a start (%v)", dumpable, err)
	}
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &after); err != nil || before != after {
		t.Errorf("the limit of descriptors was %v and is %v (%v)", before, after, err)
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "SigCgt:") && strings.Trim(strings.TrimPrefix(line, "SigCgt:"), " \t\n0") == "" {
			t.Error("the handlers of signals are gone")
		}
	}
}

// Many at once, with the collector at work, which stops every thread: none waits
// for the other.
func TestStartsBesideTheCollector(t *testing.T) {
	shell(t, "true", nil)
	stop := make(chan struct{})
	var collecting, starting sync.WaitGroup
	collecting.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	})
	for range 4 {
		starting.Go(func() {
			for range 10 {
				grown(200) // on a stack that is about to be as deep as it may
				said, failed, err := run(func(o *spawn.Options) { o.Arguments = []string{"sh", "-c", "echo ran"} })
				if said != "ran\n" || failed != nil || err != nil {
					t.Errorf("%q, %+v, %v", said, failed, err)
				}
			}
		})
	}
	starting.Wait()
	close(stop)
	collecting.Wait()
}

// grown uses some stack.
func grown(depth int) byte {
	var room [512]byte
	if depth > 0 {
		room[depth%len(room)] = grown(depth - 1)
	}
	return room[time.Now().Nanosecond()%len(room)]
}

// BenchmarkStart compares with os/exec, which copies the memory of its parent:
// here 8 MB of it, as a small program has.
func BenchmarkStart(b *testing.B) {
	memory := make([]byte, 8<<20)
	touch := func() {
		for i := 0; i < len(memory); i += 4096 {
			memory[i]++
		}
	}
	b.Run("spawn", func(b *testing.B) {
		for b.Loop() {
			touch()
			if _, failed, err := run(func(o *spawn.Options) { o.Program, o.Arguments = "/bin/true", []string{"true"} }); failed != nil || err != nil {
				b.Fatal(failed, err)
			}
		}
	})
	b.Run("os-exec", func(b *testing.B) {
		for b.Loop() {
			touch()
			c := exec.Command("/bin/true")
			c.Env = []string{}
			c.SysProcAttr = &syscall.SysProcAttr{
				Cloneflags:  namespaces,
				UidMappings: []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}},
				GidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}},
			}
			if err := c.Run(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
