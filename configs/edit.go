package configs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
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
	return editFrom(path, options, nil, change)
}

// editFrom is Edit for who knows the text in force: see half.
func editFrom(path string, options Options, inForce []byte, change func(*Document) error) (*Snapshot, error) {
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
	if half(path, file.text, inForce) {
		return nil, ErrChanged
	}
	if err := file.writable(); err != nil {
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

// half reports whether what was read of a file may be a part only: it is being written, or
// is empty where the text in force is not. Some editors empty the file and then write it;
// a rule that were put into what is there meanwhile would be all that is left of the config.
func half(path string, text, inForce []byte) bool {
	return len(text) == 0 && len(inForce) > 0 || beingWritten(path)
}

// replace puts data in the place of the file, if that is what was read still and nobody
// is writing it.
func (r *readResult) replace(path string, data []byte, mode fs.FileMode, options Options) error {
	return replaceFile(r.real, data, mode, func(name string) error {
		if name == r.real {
			name = path // it may be a link, which leads elsewhere by now
		}
		if beingWritten(name) {
			return ErrChanged
		}
		now, err := readRaw(name, options.Layout)
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
