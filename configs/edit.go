package configs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// ErrChanged says that somebody else wrote the file while it was being edited.
// Nothing was written; do it again.
var ErrChanged = errors.New("the config was changed by somebody else in the meantime")

// Edit changes a config file in place. Comments and layout stay. The new text
// is loaded and validated before it replaces the old one in one step; on any
// error the file is as it was. A literal secret that was not there before is
// refused. Two programs of ours wait for each other; a change by anyone else is
// ErrChanged. It returns the snapshot of the new file.
func Edit(path string, options Options, change func(*Document) error) (*Snapshot, error) {
	options, err := options.complete()
	if err != nil {
		return nil, err
	}
	fail := func(err error) error {
		if _, ok := errors.AsType[*Error](err); ok {
			return err
		}
		return &Error{
			Op: "edit config", Path: path, Hint: "nothing was written",
			Problems: []Problem{{File: filepath.Base(path), Message: err.Error(), Hint: "nothing was written"}},
		}
	}
	unlock, err := lockFolder(filepath.Dir(path))
	if err != nil {
		return nil, fail(fmt.Errorf("lock folder: %w", err))
	}
	defer unlock()
	file, err := readFile(path, options)
	if err != nil {
		return nil, loadError(path, err)
	}
	document, err := newDocument(file.text)
	if err != nil {
		return nil, fail(err)
	}
	if err := change(document); err != nil {
		return nil, fail(err)
	}
	text := document.Text()
	edited := file
	edited.text = text
	snapshot, err := parse(path, text, &edited, options)
	if err != nil {
		return nil, err
	}
	if err := noNewLiterals(file.text, snapshot, options); err != nil {
		return nil, fail(err)
	}
	if bytes.Equal(text, file.text) {
		return snapshot, nil
	}
	if file.seal != nil {
		if text, err = file.seal(text); err != nil {
			return nil, fail(err)
		}
	}
	if err := file.replace(path, text, file.mode.Perm()&0o600, options); err != nil {
		if errors.Is(err, ErrChanged) {
			return nil, ErrChanged
		}
		return nil, fail(err)
	}
	return snapshot, nil
}

// replace puts data in the place of the file, if that is what was read still.
func (r *readResult) replace(path string, data []byte, mode fs.FileMode, options Options) error {
	return replaceFile(r.real, data, mode, func() error {
		now, err := readRaw(path, options.Layout)
		if err != nil || !bytes.Equal(now.text, r.raw) {
			return ErrChanged
		}
		return nil
	})
}

// noNewLiterals refuses a secret that the old text did not hold.
func noNewLiterals(before []byte, after *Snapshot, options Options) error {
	var old []string
	if s, err := parse(after.Path, before, nil, options); err == nil {
		old = literals(s.Config)
	}
	for _, secret := range literals(after.Config) {
		if !slices.Contains(old, secret) {
			return errors.New("the change would write a secret in the clear; store it with `openclaw secrets set` and write its reference")
		}
	}
	return nil
}

// ReplaceFile gives path the content data, mode 0600, or leaves it as it was: data
// is written beside it, synced, and moved there in one step.
func ReplaceFile(path string, data []byte) error {
	return replaceFile(path, data, 0o600, func() error { return nil })
}

// replaceFile writes data beside path and moves it there in one step, safe
// against a crash at any point. check runs last before the move.
func replaceFile(path string, data []byte, mode fs.FileMode, check func() error) error {
	temporary, err := writeBeside(path, data, mode)
	if err != nil {
		return err
	}
	defer os.Remove(temporary)
	if err := check(); err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("replace file: %w", err)
	}
	return syncFolder(filepath.Dir(path))
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

func writeBeside(path string, data []byte, mode fs.FileMode) (name string, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return "", fmt.Errorf("make temporary file: %w", err)
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		os.Remove(f.Name())
		return "", fmt.Errorf("write temporary file: %w", err)
	}
	return f.Name(), nil
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
