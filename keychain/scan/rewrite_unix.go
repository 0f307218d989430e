//go:build unix

package scan

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// openBehind opens without following a link and without waiting.
func openBehind(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
}

func judge(info os.FileInfo) error {
	status, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.Mode().IsRegular():
		return ErrKind
	case !ok:
		return errors.ErrUnsupported
	case int(status.Uid) != os.Geteuid():
		return ErrOwner
	case status.Nlink > 1:
		return ErrLinked
	case info.Mode().Perm()&0o200 == 0:
		return ErrReadOnly
	}
	return nil
}

// sameGroup keeps the file's group: a mode that lets the group read must not let
// another one.
func sameGroup(f *os.File, info os.FileInfo) error {
	want, ok := info.Sys().(*syscall.Stat_t)
	now, err := f.Stat()
	if err != nil || !ok {
		return errors.Join(err, errors.ErrUnsupported)
	}
	have, ok := now.Sys().(*syscall.Stat_t)
	if ok && have.Gid == want.Gid {
		return nil
	}
	if err := f.Chown(-1, int(want.Gid)); err != nil {
		return fmt.Errorf("keep its group: %w", plain(err))
	}
	return nil
}

func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return plain(err)
	}
	return errors.Join(f.Sync(), f.Close())
}
