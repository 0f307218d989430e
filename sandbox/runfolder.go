//go:build darwin || linux

package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// runPrefix begins the name of a run's folder for temporary files. Programs that did not
// hold theirs yet gave it another one.
const runPrefix = "openclaw-run."

const runFolderHint = "TMPDIR must name a folder that you may write to, by a short path (of a socket in it Linux takes 107 bytes), on a disk that has room"

// errTaken: what removes left folders was quicker than who made one.
var errTaken = errors.New("it is removed meanwhile")

// makeRunFolder makes a folder that nobody else may read, and holds it: a folder that
// nobody holds is one that a supervisor left when it was killed.
func makeRunFolder() (name string, held *os.File, err error) {
	const tries = 20
	for range tries {
		made, err := os.MkdirTemp("", runPrefix) // 0700
		if err != nil {
			return "", nil, &Error{Op: "make run folder", Err: err, Hint: runFolderHint}
		}
		if held, err = holdFolder(made); err == nil {
			return made, held, nil
		}
		if !errors.Is(err, errTaken) {
			_ = os.Remove(made)
			return "", nil, &Error{Op: "make run folder", Err: err}
		}
	}
	return "", nil, &Error{Op: "make run folder", Err: errTaken}
}

// holdFolder takes a folder of this user's for as long as this process lives, or until
// the file is closed.
func holdFolder(name string) (*os.File, error) {
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil, errTaken
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	file := os.NewFile(uintptr(fd), name)
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = file.Close()
		return nil, errTaken
	}
	var own, there unix.Stat_t
	switch err := unix.Fstat(fd, &own); {
	case err != nil || int(own.Uid) != os.Geteuid():
		_ = file.Close()
		return nil, fmt.Errorf("open %s: %w", name, fs.ErrPermission)
	case unix.Lstat(name, &there) != nil || there.Ino != own.Ino || there.Dev != own.Dev:
		_ = file.Close()
		return nil, errTaken // it was removed before it was held
	}
	return file, nil
}

// removeLeft removes the folders that nobody holds any more.
func removeLeft() {
	entries, err := os.ReadDir(os.TempDir())
	if err != nil {
		return
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), runPrefix) {
			continue
		}
		name := filepath.Join(os.TempDir(), entry.Name())
		if held, err := holdFolder(name); err == nil {
			removeFolder(name)
			_ = held.Close()
		}
	}
}

// removeFolder removes a folder with all that a run made in it, also where that took the
// rights from a folder of its own. It follows no link, also one that is put there meanwhile.
func removeFolder(name string) {
	if os.RemoveAll(name) == nil {
		return
	}
	root, err := os.OpenRoot(name)
	if err != nil {
		return
	}
	_ = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return fs.SkipDir
		}
		if entry.IsDir() {
			_ = root.Chmod(name, 0o700)
		}
		return nil
	})
	_ = root.Close()
	_ = os.RemoveAll(name)
}
