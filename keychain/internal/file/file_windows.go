package file

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/windows"
)

func tryLock(f *os.File) (bool, error) {
	err := windows.LockFileEx(windows.Handle(f.Fd()),
		windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, new(windows.Overlapped))
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return false, nil
	}
	return err == nil, err
}

// syncFolder has nothing to do: a folder cannot be synced on Windows, and NTFS
// journals the rename.
func syncFolder(string) error { return nil }

func openRegular(path string) (*os.File, error) {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return nil, err
	case info.Mode()&os.ModeSymlink != 0:
		return nil, ErrLink
	case !info.Mode().IsRegular():
		return nil, ErrNotRegular
	}
	return os.Open(path)
}

// openPrivate refuses: the mode bits say nothing about a file's access list.
func openPrivate(path string) (*os.File, error) {
	if _, err := os.Lstat(path); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("who may read the file cannot be checked on this system: %w", errors.ErrUnsupported)
}

// judgeWriters refuses, as openPrivate does.
func judgeWriters(os.FileInfo) error {
	return fmt.Errorf("who may change the file cannot be checked on this system: %w", errors.ErrUnsupported)
}

// judgeCredential refuses, as openPrivate does: Windows has no such service manager.
func judgeCredential(string, *os.File) error {
	return fmt.Errorf("who may read the credential cannot be checked on this system: %w", errors.ErrUnsupported)
}
