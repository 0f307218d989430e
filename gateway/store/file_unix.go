//go:build unix

package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// own makes the file where there is none, and makes sure that it and its
// companions are plain files of this user that nobody else reads. SQLite gives
// the companions that it makes the mode of the database.
func (s *Store) own() (size int64, err error) {
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0o600)
	if err != nil {
		if errors.Is(err, unix.ELOOP) {
			return 0, s.notOurs(s.path, "is a link")
		}
		return 0, err
	}
	defer f.Close()
	info, err := s.check(f)
	if err != nil {
		return 0, err
	}
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		if err := s.ownCompanion(s.path + suffix); err != nil {
			return 0, err
		}
	}
	// The name must be as lasting as what is written under it.
	folder, err := os.Open(filepath.Dir(s.path))
	if err != nil {
		return 0, err
	}
	defer folder.Close()
	return info.Size(), folder.Sync()
}

func (s *Store) ownCompanion(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case errors.Is(err, unix.ELOOP):
		return s.notOurs(path, "is a link")
	case err != nil:
		return err
	}
	defer f.Close()
	_, err = s.check(f)
	return err
}

func (s *Store) check(f *os.File) (os.FileInfo, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	stat, is := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.Mode().IsRegular():
		return nil, s.notOurs(f.Name(), "is no plain file")
	case is && int(stat.Uid) != os.Geteuid():
		return nil, s.notOurs(f.Name(), "belongs to another user")
	case is && stat.Nlink != 1:
		return nil, s.notOurs(f.Name(), "has a second name")
	case info.Mode().Perm() != 0o600:
		return info, f.Chmod(0o600)
	}
	return info, nil
}

func (s *Store) notOurs(path, what string) error {
	return &Error{Op: openOp, Path: s.path, Kind: KindForeign, Err: fmt.Errorf("%s %s", filepath.Base(path), what), Hint: "move it away; conversations are kept in a file of this user alone"}
}
