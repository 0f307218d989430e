package file

import (
	"crypto/rand"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Mode of every file that is written here.
const Mode fs.FileMode = 0o600

const temporary = ".tmp-"

// Replace gives path the content data, or leaves it as it was. With previous
// not empty, what path held before stays under that name as well. Callers that
// may run at the same time hold the lock of path.
func Replace(path, previous string, data []byte) (err error) {
	name := path + temporary + rand.Text()[:8]
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, Mode)
	if err != nil {
		return fmt.Errorf("create temporary file: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(name)
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("write temporary file: %w", err)
	}
	if previous != "" {
		if err := keepPrevious(path, previous); err != nil {
			return fmt.Errorf("keep the previous file: %w", err)
		}
	}
	if err := os.Rename(name, path); err != nil {
		return fmt.Errorf("rename: %w", err)
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
}

// keepPrevious gives the file at path a second name, without a moment in which
// either name is missing.
func keepPrevious(path, previous string) error {
	second := previous + temporary + rand.Text()[:8]
	if err := os.Link(path, second); err != nil {
		if os.IsNotExist(err) {
			return nil
		}
		return copyPrevious(path, previous)
	}
	if err := os.Rename(second, previous); err != nil {
		_ = os.Remove(second)
		return err
	}
	// Renaming a name of a file over another name of the same file does
	// nothing and keeps both.
	_ = os.Remove(second)
	return nil
}

// copyPrevious is for file systems without hard links.
func copyPrevious(path, previous string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return Replace(previous, "", data)
}

// RemoveLeftovers removes the temporary files that a killed writer of path left
// behind. The caller holds the lock of path, so no writer is at work.
func RemoveLeftovers(path string) {
	folder, base := filepath.Split(path)
	entries, err := os.ReadDir(filepath.Clean(folder))
	if err != nil {
		return
	}
	for _, entry := range entries {
		if rest, ok := strings.CutPrefix(entry.Name(), base); ok && strings.Contains(rest, temporary) {
			_ = os.Remove(filepath.Join(folder, entry.Name()))
		}
	}
}
