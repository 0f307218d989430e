//go:build linux

package seccomp

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// callsHeard makes calls under a filter, and returns what the handler heard of.
func callsHeard(t *testing.T, prepare func(*Listener), f func()) (heard []Call) {
	t.Helper()
	run, done := onWatchedThread(t, func(fd int) *Listener {
		l := NewListener(fd, false, func(_ context.Context, c Call) Verdict {
			heard = append(heard, c)
			return Verdict{}
		})
		prepare(l)
		return l
	}, f)
	if err := run(t.Context()); err != nil {
		t.Error(err)
	}
	<-done
	return heard
}

// A call that the filter hands over and nobody here knows is not made.
func TestUnknownCallIsRefused(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a")
	heard := callsHeard(t, func(l *Listener) {
		for number, k := range l.calls {
			if k.operation == "mkdir" {
				delete(l.calls, number)
			}
		}
	}, func() {
		if err := mkdir(name); !errors.Is(err, unix.ENOSYS) {
			t.Errorf("a call that nobody knows: %v", err)
		}
	})
	if _, err := os.Stat(name); err == nil || len(heard) > 0 {
		t.Errorf("it was made, or %v judged", heard)
	}
}

// What is read of a caller that has gone may be another's by now, who has its number:
// nobody hears of it.
func TestCallOfNobodyIsNotJudged(t *testing.T) {
	name, err := unix.BytePtrFromString("/anything")
	if err != nil {
		t.Fatal(err)
	}
	heard := callsHeard(t, func(l *Listener) {
		at := unix.AT_FDCWD
		n := &notification{id: 1 << 62, tid: uint32(os.Getpid()), number: unix.SYS_MKDIRAT, arguments: [6]uint64{uint64(at), uint64(uintptr(unsafe.Pointer(name)))}}
		if verdict, waits := l.judge(t.Context(), n); waits || verdict.Errno != 0 {
			t.Errorf("a call that does not wait gets an answer: %+v", verdict)
		}
	}, func() {})
	if len(heard) > 0 {
		t.Errorf("%s %q was judged", heard[0].Name, heard[0].Path)
	}
}

// A program that is named below a descriptor which is not open is none now, and may be
// one before the kernel looks: it does not start.
func TestProgramWithoutANameIsRefused(t *testing.T) {
	heard := callsHeard(t, func(*Listener) {}, func() {
		name, err := unix.BytePtrFromString("true")
		if err != nil {
			t.Error(err)
			return
		}
		const closed = 1 << 19
		if _, _, errno := unix.Syscall6(unix.SYS_EXECVEAT, closed, uintptr(unsafe.Pointer(name)), 0, 0, 0, 0); errno != unix.EACCES {
			t.Errorf("execveat below a descriptor that is not open: %v", errno)
		}
	})
	if len(heard) > 0 {
		t.Errorf("%s %q was judged", heard[0].Name, heard[0].Path)
	}
}

// A program that keeps its memory to itself makes no call that is judged by what is in
// it, or by a descriptor of its own, and that it was refused is told.
func TestCallThatCannotBeReadIsRefused(t *testing.T) {
	startsPrograms(t)
	if os.Getuid() == 0 {
		t.Skip("root reads every memory")
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf(`open(my $f, "<", "file") or die; syscall(%d, %d, 0, 0, 0, 0) == 0 or die; use Errno;
		print mkdir("made") ? "made" : $!{EACCES} ? "refused" : "$!", " ", chmod(0777, $f) ? "changed" : $!{EACCES} ? "refused" : "$!"`, unix.SYS_PRCTL, unix.PR_SET_DUMPABLE)
	var told []string
	callsHeard(t, func(l *Listener) {
		l.TellUnread(func(c Call) { told = append(told, c.Operation) })
	}, func() {
		cmd := exec.CommandContext(t.Context(), "perl", "-e", script)
		cmd.Dir = folder
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != "refused refused" {
			t.Errorf("%v: %s", err, out)
		}
	})
	if !slices.Equal(told, []string{"mkdir", "chmod"}) {
		t.Errorf("told: %q", told)
	}
}

// Who works deeper than a path can say, as configure scripts that try getcwd do, and rm -r of
// what they leave, is told that the name is too long; it keeps nothing to itself.
func TestPathThatIsTooLongIsSaidToBe(t *testing.T) {
	startsPrograms(t)
	script := `use Errno; my $name = "d" x 200;
		while (1) { mkdir($name) or last; chdir($name) or die; $n++ < 100 or die "endless" }
		print $n > 10 && $!{ENAMETOOLONG} ? "too long" : "$n $!", open(my $f, ">", "f") || !$!{ENAMETOOLONG} ? " open" : "";
		for (1 .. $n) { chdir("..") or die; rmdir($name) }`
	var told []string
	callsHeard(t, func(l *Listener) {
		l.TellUnread(func(c Call) { told = append(told, c.Operation) })
	}, func() {
		cmd := exec.CommandContext(t.Context(), "perl", "-e", script)
		cmd.Dir = t.TempDir()
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != "too long" {
			t.Errorf("%v: %s", err, out)
		}
	})
	if len(told) > 0 {
		t.Errorf("told as kept from us: %q", told)
	}
}

// Whoever makes a call in a program's place does not make it with what cannot be read.
func TestMemoryOfNobodyIsRefused(t *testing.T) {
	gone := exec.CommandContext(t.Context(), "true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadString(gone.Process.Pid, 4096); !errors.Is(err, unix.EACCES) {
		t.Errorf("a path of a process that has gone: %q, %v", got, err)
	}
	if err := ReadMemory(gone.Process.Pid, 4096, make([]byte, 8)); !errors.Is(err, unix.EACCES) {
		t.Errorf("memory of a process that has gone: %v", err)
	}
	page, err := unix.Mmap(-1, 0, 2*os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(page) }()
	if err := unix.Mprotect(page[os.Getpagesize():], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	last := uint64(uintptr(unsafe.Pointer(&page[os.Getpagesize()-4])))
	if err := ReadMemory(os.Getpid(), last, make([]byte, 8)); !errors.Is(err, unix.EFAULT) {
		t.Errorf("memory of which half can be read: %v", err)
	}
	if err := ReadMemory(os.Getpid(), last, make([]byte, 4)); err != nil {
		t.Errorf("memory that can be read: %v", err)
	}
}
