//go:build linux

package emulate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// bound binds a new socket and returns what it says of itself.
func bound(t *testing.T, written string, folder *Object, name string) (string, error) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	socket := &Socket{Descriptor: fd, Family: unix.AF_UNIX, Kind: unix.SOCK_STREAM}
	if err := socket.BindLocal(self(), written, folder, name); err != nil {
		return "", err
	}
	own, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return own.(*unix.SockaddrUnix).Name, nil
}

// A socket has the name that the program wrote, and its file the mode that the caller's
// umask leaves; this process keeps its own working folder and umask.
func TestASocketHasTheNameThatWasWritten(t *testing.T) {
	dir := place(t)
	t.Chdir(filepath.Join(dir, "a"))
	was := unix.Umask(0o027)
	t.Cleanup(func() { unix.Umask(was) })
	for written, file := range map[string]string{
		dir + "/a/one": "a/one", "two": "a/two", "b/../three": "a/three", "absolute/four": "a/b/four", "up/five": "d/five", "@six": "a/@six",
	} {
		folder, last, err := self().Parent(unix.AT_FDCWD, written)
		if err != nil {
			t.Fatal(err)
		}
		name, err := bound(t, written, folder, last)
		folder.Close()
		if err != nil || name != written {
			t.Errorf("%q is %q, %v", written, name, err)
		}
		if info, err := os.Lstat(filepath.Join(dir, file)); err != nil || info.Mode() != os.ModeSocket|0o750 {
			t.Errorf("%q: %v, %v", written, info, err)
		}
	}
	if here, err := os.Getwd(); err != nil || here != filepath.Join(dir, "a") {
		t.Errorf("this process is in %q, %v", here, err)
	}
	if mask := unix.Umask(0o027); mask != 0o027 {
		t.Errorf("this process has the umask %o", mask)
	}
}

// Who changes what the words lead to, after they were judged, has the socket in the folder
// that was judged, and nothing anywhere else.
func TestASocketIsMadeInTheFolderThatWasJudged(t *testing.T) {
	dir := place(t)
	folder, _, err := self().Parent(unix.AT_FDCWD, dir+"/a/b/x")
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	for i, written := range []string{dir + "/d/stolen", dir + "/a/stolen", dir + "/a/up/stolen", dir + "/gone/stolen", "/proc/self/cwd/stolen"} {
		file := "kept" + strings.Repeat("x", i)
		name, err := bound(t, written, folder, file)
		if err != nil || name == written {
			t.Errorf("%q is %q, %v", written, name, err)
		}
		if info, err := os.Lstat(filepath.Join(dir, "a/b", file)); err != nil || info.Mode().Type() != os.ModeSocket {
			t.Errorf("%q: %v, %v", written, info, err)
		}
	}
	for _, elsewhere := range []string{"d/stolen", "a/stolen", "stolen"} {
		if _, err := os.Lstat(filepath.Join(dir, elsewhere)); err == nil {
			t.Errorf("%s was made", elsewhere)
		}
	}
	if _, err := os.Lstat("stolen"); err == nil {
		t.Error("a socket was made in this process's own working folder")
		_ = os.Remove("stolen")
	}
}
