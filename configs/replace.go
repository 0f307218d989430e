package configs

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ReplaceFile gives path the content data, mode 0600, or leaves it as it was: data
// is written beside it, synced, and moved there in one step.
func ReplaceFile(path string, data []byte) error {
	return replaceFile(path, data, 0o600, nil)
}

// replaceFile writes data beside path and moves it there in one step, safe
// against a crash at any point. check, where there is one, says whether a file is the
// one that is to be replaced: see swapIn.
func replaceFile(path string, data []byte, mode fs.FileMode, check func(name string) error) error {
	temporary, err := writeBeside(path, data, mode)
	if err != nil {
		return err
	}
	if check == nil {
		if err = os.Rename(temporary, path); err != nil {
			err = fmt.Errorf("replace file: %w", err)
		}
	} else {
		err = swapIn(temporary, path, data, check)
	}
	if !errors.Is(err, errNotBack) {
		os.Remove(temporary)
	}
	if err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// errNotBack says that what a person saved lies beside the file, and is not to be removed.
var errNotBack = errors.New("the file that was saved meanwhile lies beside it")

// swapIn moves a file into the place of another one that passes check, before it is
// moved and after: somebody may save between the two, by writing into the file or by
// putting another one there. What they saved is put back then. Where two files cannot be
// swapped the second look is not to be had.
func swapIn(temporary, path string, data []byte, check func(name string) error) error {
	if err := check(path); err != nil {
		return err
	}
	err := exchange(temporary, path)
	if errors.Is(err, errors.ErrUnsupported) {
		err = os.Rename(temporary, path)
		if err == nil {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("replace file: %w", err)
	}
	changed := check(temporary)
	if changed == nil {
		return nil
	}
	if err := exchange(temporary, path); err != nil {
		return fmt.Errorf("put file back: %w: %w: %s", err, errNotBack, temporary)
	}
	if ours, err := os.ReadFile(temporary); err == nil && !bytes.Equal(ours, data) {
		// They saved once more, over what stood there for a moment: that is the newest.
		if err := exchange(temporary, path); err != nil {
			return fmt.Errorf("put file back: %w: %w: %s", err, errNotBack, temporary)
		}
	}
	return changed
}

// createFile writes data to path unless something is there already, which is
// fs.ErrExist. A crash leaves a whole file or none.
func createFile(path string, data []byte) error {
	temporary, err := writeBeside(path, data, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(temporary)
	if err := os.Link(temporary, path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return err
		}
		// A file system without hard links: two first runs at once would write
		// the same bytes.
		if _, there := os.Lstat(path); there == nil {
			return fs.ErrExist
		}
		if err := os.Rename(temporary, path); err != nil {
			return fmt.Errorf("create file: %w", err)
		}
	}
	return syncFolder(filepath.Dir(path))
}

// writeBeside writes a file that is to take the place of another. Where the system has files
// without a name it has none until all of it is on the disk: who is killed leaves nothing.
func writeBeside(path string, data []byte, mode fs.FileMode) (name string, err error) {
	if name, err := writeNameless(path, data, mode); name != "" || err != nil {
		return name, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return "", fmt.Errorf("make temporary file: %w", err)
	}
	if err := errors.Join(fill(f, data, mode), f.Close()); err != nil {
		os.Remove(f.Name())
		return "", fmt.Errorf("write temporary file: %w", err)
	}
	return f.Name(), nil
}

// writeNameless is writeBeside without a name meanwhile; an empty one: it cannot be done here.
func writeNameless(path string, data []byte, mode fs.FileMode) (name string, err error) {
	f := Nameless(filepath.Dir(path))
	if f == nil {
		return "", nil
	}
	defer f.Close()
	if err := fill(f, data, mode); err != nil {
		return "", fmt.Errorf("write temporary file: %w", err)
	}
	name = filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+rand.Text()+".tmp")
	if GiveName(f, name) != nil { // without /proc, for one; what else is wrong the other way says
		return "", nil
	}
	return name, nil
}

// fill puts all of a file onto the disk.
func fill(f *os.File, data []byte, mode fs.FileMode) error {
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Chmod(mode); err != nil {
		return err
	}
	return f.Sync()
}

func syncFolder(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return fmt.Errorf("open folder: %w", err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil && modesMatter {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
}
