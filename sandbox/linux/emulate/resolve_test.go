//go:build linux

package emulate

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// self is this very thread as a caller; its own view is then what the answer
// must be.
func self() Caller { return Caller{PID: os.Getpid(), TID: os.Getpid()} }

func place(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a/b/c", "d"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "a/file"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{
		"a/link": "file", "a/up": "../d", "a/absolute": dir + "/a/b", "a/loop": "loop", "a/gone": "nowhere", "long": "a/absolute/../link", "d/self": "/proc/self/status",
	} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A path names what the kernel says that it names.
func TestResolve(t *testing.T) {
	dir := place(t)
	for _, c := range []struct {
		name   string
		follow bool
		want   string
		err    error
	}{
		{"a/file", true, "/a/file", nil},
		{"a//./b/../file", true, "/a/file", nil},
		{"a/link", true, "/a/file", nil},
		{"a/link", false, "/a/link", nil},
		{"a/up", true, "/d", nil},
		{"a/up/", false, "/d", nil},
		{"a/absolute/c", false, "/a/b/c", nil},
		{"long", true, "/a/file", nil},
		{"a/up/../a/file", true, "/a/file", nil},
		{"a/loop", true, "", unix.ELOOP},
		{"a/gone", true, "", unix.ENOENT},
		{"a/file/x", true, "", unix.ENOTDIR},
		{"a/file/", true, "", unix.ENOTDIR},
		{"nowhere", true, "", unix.ENOENT},
	} {
		o, err := self().Resolve(unix.AT_FDCWD, dir+"/"+c.name, c.follow)
		if !errors.Is(err, c.err) || c.err != nil && err == nil {
			t.Errorf("%s: %v, want %v", c.name, err, c.err)
			continue
		}
		if err != nil {
			continue
		}
		if o.Path != dir+c.want {
			t.Errorf("%s: %s, want %s", c.name, o.Path, dir+c.want)
		}
		o.Close()
	}
	if _, err := self().Resolve(unix.AT_FDCWD, "", true); !errors.Is(err, unix.ENOENT) {
		t.Errorf("nothing: %v", err)
	}
}

// Relative paths begin where the caller is, not where this process is.
func TestResolveFromTheCaller(t *testing.T) {
	dir := place(t)
	command := exec.CommandContext(t.Context(), "sleep", "1000")
	command.Dir = dir + "/a"
	folder, err := os.Open(dir + "/d")
	if err != nil {
		t.Fatal(err)
	}
	command.ExtraFiles = []*os.File{folder}
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait(); _ = folder.Close() })
	other := Caller{PID: command.Process.Pid, TID: command.Process.Pid}
	status := "/proc/" + strconv.Itoa(other.PID) + "/status"
	for _, c := range []struct {
		folder int
		name   string
		want   string
	}{
		{unix.AT_FDCWD, "file", dir + "/a/file"},
		{unix.AT_FDCWD, "../d", dir + "/d"},
		{3, ".", dir + "/d"},
		{3, "../a/link", dir + "/a/file"},
		{unix.AT_FDCWD, "/proc/self/status", status},
		{unix.AT_FDCWD, "/proc/self/cwd/file", dir + "/a/file"},
		{unix.AT_FDCWD, "/proc/self/fd/3", dir + "/d"},
		{unix.AT_FDCWD, "/dev/fd/3", dir + "/d"},
		{3, "self", status},
		{unix.AT_FDCWD, "/proc/thread-self/status", "/proc/" + strconv.Itoa(other.PID) + "/task/" + strconv.Itoa(other.TID) + "/status"},
	} {
		o, err := other.Resolve(c.folder, c.name, true)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if o.Path != c.want {
			t.Errorf("%s: %s, want %s", c.name, o.Path, c.want)
		}
		o.Close()
	}
	// What another process has open is never followed to.
	for _, name := range []string{"/proc/" + strconv.Itoa(os.Getpid()) + "/cwd", "/proc/" + strconv.Itoa(os.Getpid()) + "/fd/0", "/proc/1/root"} {
		if o, err := other.Resolve(unix.AT_FDCWD, name, true); err == nil {
			t.Errorf("%s led to %s", name, o.Path)
			o.Close()
		}
	}
	parent, last, err := other.Parent(unix.AT_FDCWD, "up/new")
	if err != nil || parent.Path != dir+"/d" || last != "new" {
		t.Errorf("%+v %q %v", parent, last, err)
	}
	for _, name := range []string{"/", "..", "b/..", ""} {
		if _, _, err := other.Parent(unix.AT_FDCWD, name); err == nil {
			t.Errorf("%q has a last name", name)
		}
	}
}

// What is done is done to the object that was found, whatever its name means by
// then, and never with a right that an ordinary owner has not.
func TestActsOnTheObject(t *testing.T) {
	if _, _, errno := unix.Syscall(unix.SYS_FCHMODAT2, ^uintptr(0), 0, 0); errno == unix.ENOSYS {
		t.Skip("fchmodat2 needs Linux 6.6; the reduced mode, which uses it, needs 6.12")
	}
	dir := place(t)
	name := dir + "/a/file"
	o, err := self().Resolve(unix.AT_FDCWD, name, true)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if err := os.Rename(name, dir+"/moved"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../d", name); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(dir + "/d")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(o.Chmod(0o640), o.SetTimes(&[2]unix.Timespec{{Sec: 7}, {Sec: 7}}), o.Chown(-1, os.Getgid())); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(dir + "/moved")
	if err != nil || info.Mode().Perm() != 0o640 || info.ModTime().Unix() != 7 {
		t.Errorf("%v %v", info, err)
	}
	if after, err := os.Stat(dir + "/d"); err != nil || after.Mode() != before.Mode() || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("the other one changed: %v %v", after, err)
	}
	for what, err := range map[string]error{
		"a set-uid bit": o.Chmod(0o4755), "another owner": o.Chown(64123, -1), "a strange group": o.Chown(-1, 64123),
	} {
		if !errors.Is(err, unix.EPERM) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// What has no name any more is called what it was called last, so that the rules on that
// name speak for it; a name that only looks like the kernel's mark stays whole.
func TestRemovedHasItsLastName(t *testing.T) {
	dir := place(t)
	marked := dir + "/d/x" + removed
	if err := os.WriteFile(marked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, replaced := range map[string]bool{dir + "/a/file": true, marked: false} {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		if replaced {
			err = os.Remove(name)
		}
		o, resolveErr := self().Resolve(unix.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(int(file.Fd())), true)
		if err := errors.Join(err, resolveErr, file.Close()); err != nil {
			t.Fatal(err)
		}
		if o.Path != name || o.Gone != replaced {
			t.Errorf("%s: %+v", name, o)
		}
		o.Close()
	}
}
