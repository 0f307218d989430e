//go:build unix

package file

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

func tryLock(f *os.File) (bool, error) {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, unix.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, unix.EINTR):
			return false, err
		}
	}
}

func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	err = f.Sync()
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// openRegular opens without waiting (a FIFO has no writer) and without
// following a link, then looks at what it opened.
func openRegular(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		if info, linkErr := os.Lstat(path); linkErr == nil && info.Mode()&os.ModeSymlink != 0 {
			return nil, ErrLink
		}
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = ErrNotRegular
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

func openPrivate(path string) (*os.File, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = judge(info)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

func judge(info os.FileInfo) error {
	status, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !ok:
		return errors.ErrUnsupported
	case int(status.Uid) != os.Geteuid():
		return ErrOwner
	case info.Mode().Perm()&0o077 != 0:
		return ErrMode
	}
	return nil
}

func judgeWriters(info os.FileInfo) error {
	status, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !ok:
		return errors.ErrUnsupported
	case int(status.Uid) != os.Geteuid() && status.Uid != 0:
		return ErrOwner
	case info.Mode().Perm()&0o022 != 0:
		return ErrWriter
	}
	return nil
}

func judgeCredential(folder string, f *os.File) error {
	above, err := os.Stat(folder)
	if err != nil {
		return err
	}
	if status, ok := above.Sys().(*syscall.Stat_t); !ok {
		return errors.ErrUnsupported
	} else if above.Mode().Perm()&0o022 != 0 || status.Uid != 0 && int(status.Uid) != os.Geteuid() {
		return ErrLooseFolder
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	status, ok := info.Sys().(*syscall.Stat_t)
	others := os.FileMode(0o077)
	switch {
	case !ok:
		return errors.ErrUnsupported
	case int(status.Uid) == os.Geteuid():
	case status.Uid == 0:
		others = 0o037 // the access list's mask stands in the group's place
	default:
		return ErrOwner
	}
	if info.Mode().Perm()&others != 0 {
		return ErrMode
	}
	return nil
}
