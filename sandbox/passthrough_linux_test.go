package sandbox_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// filesVariable makes the test program do what doFiles does, in the folder that
// it names.
const filesVariable = "OPENCLAW_TEST_FILES"

// tool copies this program to where cages can run it.
func (w *world) tool() string {
	w.t.Helper()
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		w.t.Fatal(err)
	}
	if err := os.MkdirAll(w.path("tool"), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := writeFile(w.path("tool/test"), self, 0o755); err != nil {
		w.t.Fatal(err)
	}
	w.allowRead("tool")
	return w.path("tool/test")
}

// In a folder that the gate serves, files behave as they do on the host.
func TestServedFilesBehave(t *testing.T) {
	w := newWorld(t).allow("project").deny("project/.env")
	program := w.tool()
	if err := os.Mkdir(w.path("bare"), 0o700); err != nil {
		t.Fatal(err)
	}
	want := doFiles(w.path("bare"))
	spec := w.spec(program)
	spec.Env = append(spec.Env, filesVariable+"="+w.path("project"), "GORACE=atexit_sleep_ms=0")
	_, wait := start(t, spec)
	res := wait()
	got := strings.Split(strings.TrimSpace(res.out), "\n")
	if len(got) != len(want) || len(want) < 40 {
		t.Fatalf("%d lines, not %d: %s\n%s", len(got), len(want), res.out, res.err)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("in the cage: %s\non the host: %s", got[i], want[i])
		}
	}
	if len(res.denials) != 0 {
		t.Errorf("denials %q", w.brief(res.denials))
	}
	bare, served := w.names("bare"), w.names("project")
	for i := range bare {
		bare[i] = strings.TrimPrefix(bare[i], "/bare")
	}
	for _, name := range bare {
		if !slices.Contains(served, "/project"+name) {
			t.Errorf("%s was not left on the host", name)
		}
	}
}

// doFiles does what programs do with files, and says what came of it.
func doFiles(dir string) []string {
	f := &fileTasks{dir: dir}
	old := unix.Umask(0)
	defer unix.Umask(old)
	f.contents()
	f.names()
	f.attributes()
	f.locks()
	f.special()
	return f.lines
}

type fileTasks struct {
	dir   string
	lines []string
}

func (f *fileTasks) path(name string) string { return filepath.Join(f.dir, name) }

func (f *fileTasks) say(what string, values ...any) {
	f.lines = append(f.lines, strings.ReplaceAll(fmt.Sprint(append([]any{what, ": "}, values...)...), f.dir, "DIR"))
}

// open says why it cannot and goes on with a closed file.
func (f *fileTasks) open(name string, flags int, mode uint32) int {
	fd, err := unix.Open(f.path(name), flags|unix.O_CLOEXEC, mode)
	if err != nil {
		f.say("open "+name, err)
	}
	return fd
}

func (f *fileTasks) contents() {
	fd := f.open("file", unix.O_CREAT|unix.O_RDWR|unix.O_EXCL, 0o666)
	n, err := unix.Write(fd, []byte("hello world"))
	f.say("write", n, err)
	_, err = unix.Open(f.path("file"), unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY, 0o600)
	f.say("exclusive", err)
	n, err = unix.Pwrite(fd, []byte("far"), 1<<20)
	f.say("pwrite far", n, err)
	f.say("size", size(fd))
	hole, err := unix.Seek(fd, 0, unix.SEEK_HOLE)
	f.say("hole", hole > 0 && hole < 1<<20, err)
	data, err := unix.Seek(fd, 1<<19, unix.SEEK_DATA)
	f.say("data", data > 1<<19, err)
	f.say("ftruncate", unix.Ftruncate(fd, 5), size(fd))
	f.say("truncate", unix.Truncate(f.path("file"), 8), size(fd))
	f.say("fsync", unix.Fsync(fd), unix.Fdatasync(fd))
	f.say("fallocate", unix.Fallocate(fd, 0, 0, 4096), size(fd))
	f.say("punch", unix.Fallocate(fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, 4096), size(fd))
	again := f.open("file", unix.O_WRONLY|unix.O_APPEND, 0)
	n, err = unix.Write(again, []byte("tail"))
	f.say("append", n, err, size(again))
	_ = unix.Close(again)
	f.say("trunc", size(f.open("file", unix.O_RDWR|unix.O_TRUNC, 0)), size(fd))

	_ = unix.Ftruncate(fd, 8192)
	shared, err := unix.Mmap(fd, 0, 8192, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	f.say("map shared", err)
	if err == nil {
		copy(shared[4090:], "across pages")
		f.say("msync", unix.Msync(shared, unix.MS_SYNC))
		text := make([]byte, 12)
		n, err = unix.Pread(fd, text, 4090)
		f.say("read mapped", n, err, string(text))
		_, _ = unix.Pwrite(fd, []byte("written"), 100)
		f.say("mapped write", string(shared[100:107]))
		_ = unix.Munmap(shared)
	}
	private, err := unix.Mmap(fd, 0, 8192, unix.PROT_READ, unix.MAP_PRIVATE)
	f.say("map private", err)
	if err == nil {
		f.say("mapped", string(private[4090:4102]))
		_ = unix.Munmap(private)
	}
	to := f.open("copy", unix.O_CREAT|unix.O_RDWR, 0o600)
	offset := int64(4090)
	n, err = unix.Sendfile(to, fd, &offset, 12)
	f.say("sendfile", n, err)
	_, err = unix.Seek(fd, 0, unix.SEEK_SET)
	f.say("seek", err)
	n, err = unix.CopyFileRange(fd, nil, to, nil, 200, 0)
	f.say("copy_file_range", n, err, size(to))
	big := bytes.Repeat([]byte("0123456789abcdef"), 1<<17) // 2 MiB
	f.say("large write", os.WriteFile(f.path("big"), big, 0o600))
	back, err := os.ReadFile(f.path("big"))
	f.say("large read", bytes.Equal(back, big), err)
}

func size(fd int) int64 {
	var stat unix.Stat_t
	if unix.Fstat(fd, &stat) != nil {
		return -1
	}
	return stat.Size
}

func (f *fileTasks) names() {
	f.say("mkdir", os.Mkdir(f.path("dir"), 0o777), mode(f.path("dir")))
	f.say("mkdir again", os.Mkdir(f.path("dir"), 0o777))
	for i := range 3000 {
		if err := os.WriteFile(f.path(fmt.Sprintf("dir/entry%04d", i)), nil, 0o644); err != nil {
			f.say("large folder", err)
		}
	}
	entries, err := os.ReadDir(f.path("dir"))
	f.say("large folder", len(entries), err)
	f.say("rmdir full", os.Remove(f.path("dir")))
	f.say("rename", os.Rename(f.path("dir"), f.path("renamed")))
	f.say("rename back", os.Rename(f.path("renamed"), f.path("dir")))
	f.say("remove folder", os.RemoveAll(f.path("dir")), os.Mkdir(f.path("dir"), 0o755))
	f.say("into a folder", os.Rename(f.path("copy"), f.path("dir/moved")), mode(f.path("dir/moved")))
	f.say("out of it", os.Rename(f.path("dir/moved"), f.path("copy")))
	f.say("link into a folder", os.Link(f.path("copy"), f.path("dir/linked")), links(f.path("copy")))
	f.say("exchange", unix.Renameat2(unix.AT_FDCWD, f.path("copy"), unix.AT_FDCWD, f.path("file"), unix.RENAME_EXCHANGE))
	f.say("no replace", unix.Renameat2(unix.AT_FDCWD, f.path("copy"), unix.AT_FDCWD, f.path("file"), unix.RENAME_NOREPLACE))
	f.say("no replace across", unix.Renameat2(unix.AT_FDCWD, f.path("dir/linked"), unix.AT_FDCWD, f.path("file"), unix.RENAME_NOREPLACE))
	f.say("symlink", os.Symlink("dir/linked", f.path("soft")))
	target, err := os.Readlink(f.path("soft"))
	text, readErr := os.ReadFile(f.path("soft"))
	f.say("readlink", target, err, len(text), readErr)

	fd := f.open("gone", unix.O_CREAT|unix.O_RDWR, 0o600)
	_, _ = unix.Write(fd, []byte("still here"))
	f.say("unlink open", os.Remove(f.path("gone")), size(fd), unix.Ftruncate(fd, 5), size(fd), unix.Fchmod(fd, 0o640))
	buffer := make([]byte, 20)
	n, err := unix.Pread(fd, buffer, 0)
	f.say("read unlinked", string(buffer[:n]), err)
	fd = f.open("target", unix.O_CREAT|unix.O_RDWR, 0o600)
	_, _ = unix.Write(fd, []byte("old text"))
	f.say("replace open", os.WriteFile(f.path("new"), []byte("new"), 0o600), os.Rename(f.path("new"), f.path("target")))
	n, err = unix.Pread(fd, buffer, 0)
	text, readErr = os.ReadFile(f.path("target"))
	f.say("read replaced", string(buffer[:n]), err, size(fd), string(text), readErr)
	f.say("long name", os.WriteFile(f.path(strings.Repeat("n", 255)), nil, 0o600), errno(os.WriteFile(f.path(strings.Repeat("n", 256)), nil, 0o600)))
	f.say("odd name", os.WriteFile(f.path("a b\n\xff\xfe'\""), []byte("odd"), 0o600))
}

func errno(err error) error {
	if code, ok := errors.AsType[syscall.Errno](err); ok {
		return code
	}
	return err
}

func mode(name string) os.FileMode {
	info, err := os.Lstat(name)
	if err != nil {
		return 0
	}
	return info.Mode()
}

func links(name string) uint64 {
	var stat unix.Stat_t
	if unix.Lstat(name, &stat) != nil {
		return 0
	}
	return uint64(stat.Nlink) //nolint:unconvert // not the same on arm64
}

func (f *fileTasks) attributes() {
	name := f.path("attributes")
	f.say("create mode", os.WriteFile(name, []byte("x"), 0o666), mode(name))
	f.say("chmod", os.Chmod(name, 0o741), mode(name))
	when := time.Unix(1_000_000_000, 123456000)
	err := os.Chtimes(name, when, when)
	info, statErr := os.Stat(name)
	f.say("times", err, statErr == nil && info.ModTime().Equal(when))
	var stat unix.Stat_t
	err = unix.Stat(name, &stat)
	f.say("owner", int(stat.Uid) == os.Getuid(), int(stat.Gid) == os.Getgid(), stat.Ino != 0, err)
	f.say("chown", os.Chown(name, os.Getuid(), os.Getgid()))
	value := make([]byte, 100)
	set := unix.Setxattr(name, "user.openclaw", []byte("value"), 0)
	n, err := unix.Getxattr(name, "user.openclaw", value)
	f.say("xattr", set, string(value[:max(n, 0)]), err)
	n, err = unix.Listxattr(name, value)
	f.say("list xattr", strings.Contains(string(value[:max(n, 0)]), "user.openclaw\x00"), err)
	f.say("remove xattr", unix.Removexattr(name, "user.openclaw"), unix.Removexattr(name, "user.openclaw"))
	var system unix.Statfs_t
	f.say("statfs", unix.Statfs(f.dir, &system), system.Blocks > 0)
	f.say("access", unix.Access(name, unix.R_OK|unix.W_OK), unix.Access(f.path("none"), unix.F_OK))
}

// locks are tried between two openings of one program, and by the kernel's rules
// for one process.
func (f *fileTasks) locks() {
	one, two := f.open("lock", unix.O_CREAT|unix.O_RDWR, 0o600), f.open("lock", unix.O_RDWR, 0)
	f.say("flock", unix.Flock(one, unix.LOCK_EX|unix.LOCK_NB), unix.Flock(two, unix.LOCK_EX|unix.LOCK_NB))
	f.say("unlock", unix.Flock(one, unix.LOCK_UN), unix.Flock(two, unix.LOCK_EX|unix.LOCK_NB), unix.Flock(two, unix.LOCK_UN))
	whole := func(kind int16) *unix.Flock_t { return &unix.Flock_t{Type: kind} }
	f.say("record lock", unix.FcntlFlock(uintptr(one), unix.F_SETLK, whole(unix.F_WRLCK)), unix.FcntlFlock(uintptr(two), unix.F_SETLK, whole(unix.F_WRLCK)))
	f.say("record unlock", unix.FcntlFlock(uintptr(one), unix.F_SETLK, whole(unix.F_UNLCK)))
	f.say("description lock", unix.FcntlFlock(uintptr(one), unix.F_OFD_SETLK, whole(unix.F_WRLCK)), unix.FcntlFlock(uintptr(two), unix.F_OFD_SETLK, whole(unix.F_RDLCK)))
	_ = unix.Close(one) // of the last close the gate hears a moment later
	err := unix.FcntlFlock(uintptr(two), unix.F_OFD_SETLK, whole(unix.F_RDLCK))
	for range 3000 { // a minute
		if err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
		err = unix.FcntlFlock(uintptr(two), unix.F_OFD_SETLK, whole(unix.F_RDLCK))
	}
	f.say("after close", err)
}

func (f *fileTasks) special() {
	f.say("pipe", unix.Mkfifo(f.path("pipe"), 0o600), mode(f.path("pipe")))
	read := f.open("pipe", unix.O_RDONLY|unix.O_NONBLOCK, 0)
	write := f.open("pipe", unix.O_WRONLY|unix.O_NONBLOCK, 0)
	n, err := unix.Write(write, []byte("through"))
	buffer := make([]byte, 20)
	m, readErr := unix.Read(read, buffer)
	f.say("through it", n, err, string(buffer[:max(m, 0)]), readErr)
	listener, err := net.Listen("unix", f.path("s"))
	f.say("socket", errno(err), mode(f.path("s"))&os.ModeSocket != 0)
	if err != nil {
		return
	}
	defer func() { _ = listener.Close() }()
	conn, err := net.Dial("unix", f.path("s"))
	f.say("connect", errno(err))
	if err == nil {
		_ = conn.Close()
	}
}

// A lock of the cage's is seen by the host, and the other way round.
func TestLocksHoldAgainstTheHost(t *testing.T) {
	w := newWorld(t).allow("project").deny("project/.env")
	w.write("project/lock", "x")
	host, err := os.OpenFile(w.path("project/lock"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = host.Close() }()
	k := newTalk(t, w)
	if got := k.run("flock -n ~/project/lock echo taken"); got != "taken" {
		t.Errorf("free: %q", got)
	}
	if err := unix.Flock(int(host.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if got := k.run("flock -n ~/project/lock echo taken"); got != "" {
		t.Errorf("the host has it: %q", got)
	}
	if got := k.run("flock -w 0.2 ~/project/lock echo taken || echo waited"); got != "waited" {
		t.Errorf("the host has it: %q", got)
	}
	if err := unix.Flock(int(host.Fd()), unix.LOCK_UN); err != nil {
		t.Fatal(err)
	}
	if got := k.run("exec 9<>~/project/lock; flock -n 9 && echo held"); got != "held" {
		t.Errorf("free again: %q", got)
	}
	k.end()
}

// A tree of native folders in a served one is one tree to the programs in it:
// git finds its repository from below, folders are removed and moved, and files
// move and are linked from one to another.
func TestServedTreeIsOne(t *testing.T) {
	_, err := exec.LookPath("git")
	require(t, err == nil, "git is not there")
	w := newWorld(t).allow("project").deny("project/.env")
	w.write("project/src/a.go", "package a")
	w.write("project/lib/b.go", "package b")
	w.write("project/build/out", "built")
	k := newTalk(t, w)
	for _, c := range [][2]string{
		{`cd ~/project && git init -q && cd src && git status --porcelain . && git rev-parse --show-prefix`, "?? src/ src/"},
		{`mv ~/project/src/a.go ~/project/lib/a.go && cat ~/project/lib/a.go`, "package a"},
		{`mv ~/project/lib/a.go ~/project/a.go && cat ~/project/a.go`, "package a"},
		{`mv ~/project/a.go ~/project/src/ && cat ~/project/src/a.go`, "package a"},
		{`ln ~/project/src/a.go ~/project/lib/linked && cat ~/project/lib/linked && stat -c %h ~/project/src/a.go`, "package a2"},
		{`rm -rf ~/project/build && ls ~/project/build 2>&1 | grep -c "No such"`, "1"},
		{`mkdir ~/project/build && echo again > ~/project/build/out && cat ~/project/build/out`, "again"},
		{`cd ~/project/build && mv ~/project/build ~/project/dist && cat ~/project/dist/out && ls ~/project/build 2>&1 | grep -c "No such"`, "again 1"},
		{`cd ~/project && mv src lib/ && cat lib/src/a.go && mv lib/src . && cat src/a.go`, "package apackage a"},
		{`cd ~/project && mv deep/er src/ 2>&1; cat deep/er/hidden/file src/er/hidden/file 2>/dev/null`, "hidden"},
	} {
		if got := k.run(c[0]); got != c[1] {
			t.Errorf("%s: %q, not %q", c[0], got, c[1])
		}
	}
	k.end()
	if w.read("project/dist/out") != "again\n" || w.read("project/src/a.go") != "package a" {
		t.Error("the host has something else")
	}
}
