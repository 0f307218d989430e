package authority

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Modes of what is written.
const (
	PublicMode = fs.FileMode(0o644)
	KeyMode    = fs.FileMode(0o600)
)

// ExistsError is a file that is there already.
type ExistsError struct{ Path string }

func (e *ExistsError) Error() string { return e.Path + " is there already" }

// WritePair writes a certificate and its key. Without force neither file may be
// there, and nothing is written if one is. Whoever watches the two sees a pair that
// does not fit for a moment; the gateway waits that out.
func WritePair(certFile, keyFile string, pair Pair, force bool) error {
	if !force {
		for _, path := range []string{certFile, keyFile} {
			if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
				return &ExistsError{Path: path}
			}
		}
	}
	if err := Write(keyFile, pair.Key, KeyMode, force); err != nil {
		return err
	}
	return Write(certFile, pair.Certificate, PublicMode, force)
}

// Write writes one file whole or not at all, and makes its folder, mode 0700.
// Without force it is an *ExistsError if the file is there, also if it came in
// between.
func Write(path string, data []byte, mode fs.FileMode, force bool) (err error) {
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	f, err := os.CreateTemp(folder, ".new.*") // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	switch {
	case err != nil:
	case force || runtime.GOOS == "windows" && missing(path):
		err = os.Rename(f.Name(), path)
	default:
		// A link to a name that is taken fails; a rename would replace it.
		if err = os.Link(f.Name(), path); errors.Is(err, fs.ErrExist) {
			return &ExistsError{Path: path}
		}
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return syncFolder(folder)
}

func missing(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// syncFolder makes the new name last. Windows has no such call.
func syncFolder(folder string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
