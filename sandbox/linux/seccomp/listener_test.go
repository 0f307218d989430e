//go:build linux

package seccomp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestRefusedCallsReallyFail(t *testing.T) {
	asEachUser(t, func(t *testing.T, start func(string) *exec.Cmd) {
		t.Helper()
		results := func(role string) map[string]int {
			out, err := start(role).Output()
			if err != nil {
				t.Fatalf("%s: %v", role, err)
			}
			m := map[string]int{}
			if err := json.Unmarshal(out, &m); err != nil {
				t.Fatal(err)
			}
			return m
		}
		bare, filtered := results("try"), results("try filtered")
		for name, got := range filtered {
			before, tried := bare[name]
			switch {
			case tried && strings.HasPrefix(name, "refused: "):
				if got == 0 || got == before && name != "refused: number of the future" {
					t.Errorf("%s: errno %d, without the filter %d", name, got, before)
				}
			case tried:
				if got != 0 || before != 0 {
					t.Errorf("%s: errno %d, without the filter %d", name, got, before)
				}
			case name == "clone3" || name == "openat2":
				if got != int(unix.ENOSYS) {
					t.Errorf("%s: errno %d", name, got)
				}
			default:
				if got != int(unix.EPERM) {
					t.Errorf("%s: errno %d", name, got)
				}
			}
		}
		if len(filtered) < 60 {
			t.Errorf("only %d calls were tried", len(filtered))
		}
	})
}

func TestInstallNeedsNoNewPrivileges(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
	cmd.Env = []string{roleVariable + "=without no_new_privs"}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func TestCallsAreHandedOverAndRefused(t *testing.T) {
	asEachUser(t, func(t *testing.T, start func(string) *exec.Cmd) {
		t.Helper()
		out, err := start("supervise").Output()
		if err != nil {
			t.Fatal(err)
		}
		var got supervised
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatal(err)
		}
		long := strings.Repeat("x", 200) + "/" + strings.Repeat("y", 200)
		want := []string{
			"openat create path.write FOLDER/a",
			"openat create path.write FOLDER/refuse-me",
			"mkdirat mkdir path.write FOLDER/d",
			"renameat2 rename path.write FOLDER/a FOLDER/b",
			"fchmod chmod path.write FOLDER/b",
			"utimensat utime path.write FOLDER/b",
			"unlinkat unlink path.write FOLDER/refuse-me/" + long,
			"connect connect net   127.0.0.1:9",
			"connect connect net   [::1]:9",
			"connect connect net   FOLDER/no-socket",
			"connect connect net   @refuse-me",
			"execve execve exec /bin/refuse-me",
			"execve execve exec /bin/true",
		}
		if !slices.Equal(got.Calls, want) {
			t.Errorf("seen:\n%s\nwant:\n%s", strings.Join(got.Calls, "\n"), strings.Join(want, "\n"))
		}
		const said = "create=0 create-refused=13 read=0 mkdir=2 rename=0 chmod=0 chmod-pipe=0 touch=0 unlink-refused=13 too-long=36 bad-address=14 " +
			"connect-refused=13 connect6-refused=13 connect-unix=2 connect-abstract=13 exec-refused=13"
		if strings.TrimSpace(got.Said) != said {
			t.Errorf("the calls came to\n%s\nwant\n%s", got.Said, said)
		}
	})
}

// onWatchedThread runs f on a thread of this process under a filter, and serves
// its listener until f has ended.
func onWatchedThread(tb testing.TB, l func(fd int) *Listener, f func()) (run func(ctx context.Context) error, done chan struct{}) {
	tb.Helper()
	fds, done := make(chan int, 1), make(chan struct{})
	var start func()
	start = func() {
		runtime.LockOSThread()
		if unix.Gettid() == os.Getpid() { // the main thread never ends: take another
			defer runtime.UnlockOSThread()
			go start()
			<-done
			return
		}
		defer close(done) // and never unlocked: the thread ends with the goroutine
		fd, err := install(true)
		if err != nil {
			tb.Error(err)
		}
		fds <- fd
		if err == nil {
			f()
		}
	}
	go start()
	fd := <-fds
	if fd < 0 {
		tb.FailNow()
	}
	return l(fd).Run, done
}

// startsPrograms is for a test whose watched thread starts some. Go lets nothing stop a
// thread that starts a program until that runs, and to run is a call that is handed over:
// a collection of garbage would wait for the thread, and the listener, which is in the
// same process only here, for the end of the collection.
func startsPrograms(t *testing.T) {
	t.Helper()
	before := debug.SetGCPercent(-1)
	runtime.GC() // ends one that is under way
	t.Cleanup(func() { debug.SetGCPercent(before) })
}

func mkdir(name string) error { return unix.Mkdir(name, 0o700) }

func TestRunStopsWithItsContextAndStaysClosed(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	first, second := make(chan error, 1), make(chan error, 1)
	next := make(chan bool)
	folder := t.TempDir()
	run, done := onWatchedThread(t, func(fd int) *Listener {
		return NewListener(fd, false, func(ctx context.Context, _ Call) Verdict {
			cancel()
			<-ctx.Done() // a question that nobody answers
			return Verdict{Errno: unix.EACCES}
		})
	}, func() {
		first <- mkdir(filepath.Join(folder, "a"))
		<-next
		second <- mkdir(filepath.Join(folder, "b"))
	})
	if err := run(ctx); err != nil {
		t.Errorf("Run: %v", err)
	}
	if err := <-first; !errors.Is(err, unix.EACCES) {
		t.Errorf("the held call: %v", err)
	}
	close(next)
	if err := <-second; !errors.Is(err, unix.ENOSYS) {
		t.Errorf("a call after the listener's end: %v", err)
	}
	<-done
}

func TestHeldCallsAreBounded(t *testing.T) {
	startsPrograms(t)
	folder := t.TempDir()
	release, held := make(chan bool), make(chan bool, 8)
	var failed []string
	run, done := onWatchedThread(t, func(fd int) *Listener {
		l := NewListener(fd, false, func(_ context.Context, c Call) Verdict {
			if c.Operation == "mkdir" {
				held <- true
				<-release
			}
			return Verdict{}
		})
		l.limit = 2
		return l
	}, func() {
		var commands []*exec.Cmd
		for _, name := range []string{"a", "b"} {
			// Started from this thread, so under its filter.
			cmd := exec.CommandContext(t.Context(), "mkdir", filepath.Join(folder, name))
			if err := cmd.Start(); err != nil {
				t.Error(err)
			}
			commands = append(commands, cmd)
			<-held
		}
		if err := mkdir(filepath.Join(folder, "c")); !errors.Is(err, unix.EACCES) {
			failed = append(failed, fmt.Sprint("the call past the bound: ", err))
		}
		close(release)
		for _, cmd := range commands {
			if err := cmd.Wait(); err != nil {
				failed = append(failed, fmt.Sprint("a held call: ", err))
			}
		}
	})
	if err := run(t.Context()); err != nil {
		t.Error(err)
	}
	<-done
	if len(failed) > 0 {
		t.Error(failed)
	}
}

// The process behind a call is found when it is asked for, also behind a thread that is
// not its first one.
func TestProcessIsFoundOnDemand(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a")
	calls := make(chan Call, 1)
	run, done := onWatchedThread(t, func(fd int) *Listener {
		l := NewListener(fd, false, func(_ context.Context, c Call) Verdict {
			open := c.PID
			if pid, waits := c.Process(); c.Operation == "mkdir" && (open != 0 || pid != os.Getpid() || !waits) {
				t.Errorf("process %d, asked for %d, waits %v", open, pid, waits)
			}
			if c.Operation == "mkdir" {
				calls <- c
			}
			return Verdict{}
		})
		l.ProcessOnDemand()
		return l
	}, func() {
		if err := mkdir(name); err != nil {
			t.Error(err)
		}
	})
	if err := run(t.Context()); err != nil {
		t.Error(err)
	}
	<-done
	c := <-calls
	if c.TID == os.Getpid() {
		t.Error("the first thread called, which proves nothing")
	}
	if _, waits := c.Process(); waits {
		t.Error("a call that was answered still waits")
	}
}

func TestKilledCallerIsNoticed(t *testing.T) {
	startsPrograms(t)
	folder := t.TempDir()
	held, noticed := make(chan bool), make(chan bool)
	run, done := onWatchedThread(t, func(fd int) *Listener {
		return NewListener(fd, false, func(_ context.Context, c Call) Verdict {
			if c.Operation == "mkdir" {
				held <- true
				for c.Valid() {
					time.Sleep(time.Millisecond)
				}
				close(noticed)
			}
			return Verdict{}
		})
	}, func() {
		cmd := exec.CommandContext(t.Context(), "mkdir", filepath.Join(folder, "a"))
		if err := cmd.Start(); err != nil {
			t.Error(err)
		}
		<-held
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err == nil {
			t.Error("the killed program ended well")
		}
		<-noticed
	})
	if err := run(t.Context()); err != nil {
		t.Error(err)
	}
	<-done
	if _, err := os.Stat(filepath.Join(folder, "a")); err == nil {
		t.Error("the call of a killed program was made")
	}
}

func TestConnectIsHeldUntilTheAnswer(t *testing.T) {
	server, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	port := server.Addr().(*net.TCPAddr).Port
	var lock sync.Mutex
	var order []string
	note := func(what string) {
		lock.Lock()
		defer lock.Unlock()
		order = append(order, what)
	}
	run, done := onWatchedThread(t, func(fd int) *Listener {
		return NewListener(fd, false, func(_ context.Context, c Call) Verdict {
			note("asked for " + c.Address.String())
			return Verdict{}
		})
	}, func() {
		s, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err == nil {
			err = unix.Connect(s, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
		}
		note(fmt.Sprint("connected: ", err))
	})
	if err := run(t.Context()); err != nil {
		t.Error(err)
	}
	<-done
	if want := []string{fmt.Sprintf("asked for 127.0.0.1:%d", port), "connected: <nil>"}; !slices.Equal(order, want) {
		t.Errorf("%q", order)
	}
}

func FuzzSocketAddress(f *testing.F) {
	f.Add([]byte{2, 0, 0, 80, 127, 0, 0, 1})
	f.Add([]byte{1, 0, 0, 'x'})
	f.Add([]byte{1, 0, '/', 'x', 0, 'y'})
	f.Add([]byte{10, 0, 0, 80, 23: 1})
	f.Add([]byte{0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 2 || len(b) > longestSocketAddress {
			return
		}
		c := Call{TID: os.Getpid()}
		if err := c.parseSocketAddress(b); err == nil && c.Address.IsValid() == (c.UnixPath != "") {
			t.Errorf("%x: %+v", b, c)
		}
	})
}
