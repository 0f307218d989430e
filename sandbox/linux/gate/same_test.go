//go:build linux

package gate

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A name that was a file when it was looked up may be a pipe when it is opened, whose
// reader would wait here; or another file.
func TestOnlyTheFileThatWasLookedUpIsOpened(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"file", "other"} {
		if err := os.WriteFile(at(name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mkfifo(at("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	var file syscall.Stat_t
	if err := syscall.Stat(at("file"), &file); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		known identity
		want  syscall.Errno
	}{
		{at("file"), identity{}, 0},
		{at("file"), identityOf(&file), 0},
		{at("other"), identityOf(&file), syscall.ESTALE},
		{at("pipe"), identity{}, syscall.EACCES},
		{at("pipe"), identityOf(&file), syscall.EACCES},
		{dir, identity{}, syscall.EACCES},
		{"/dev/null", identity{}, syscall.EACCES},
	} {
		fd, err := syscall.Open(c.name, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, code := new(Gate).same(fd, c.known); code != c.want {
			t.Errorf("%s, known as %+v: %v", c.name, c.known, code)
		}
		_ = syscall.Close(fd)
	}
	if _, code := new(Gate).same(-1, identity{}); code == 0 {
		t.Error("what cannot be looked at is opened")
	}
}
