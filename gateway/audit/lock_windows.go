package audit

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// noFollow has no counterpart: making a symlink takes a privilege there.
const noFollow = 0

var errLocked = errors.New("locked by another process")

// lockFile takes the lock of the open file f; it ends with f.
func lockFile(f *os.File) error {
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return errLocked
	}
	return err
}

// syncDir has nothing to do: NTFS journals names.
func syncDir(string) error { return nil }
