package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"openclaw/configs"
)

// writeNew writes a file that was not there, readable by its owner only, whole or
// not at all: what is there already is fs.ErrExist. Where the system has files without a
// name, also a kill leaves nothing.
func writeNew(name string, data []byte) error {
	done, err := writeNameless(name, data)
	if !done {
		err = writeBesideNew(name, data)
	}
	if err != nil {
		return err
	}
	if folder, err := os.Open(filepath.Dir(name)); err == nil { // a system that cannot sync one is not at fault
		_ = folder.Sync()
		_ = folder.Close()
	}
	return nil
}

// writeNameless writes a file that gets its name when it is whole. Not done: the file
// system has no such files, and nothing was written.
func writeNameless(name string, data []byte) (done bool, err error) {
	f := configs.Nameless(filepath.Dir(name))
	if f == nil {
		return false, nil // the other way says what is wrong with the folder
	}
	defer f.Close()
	if err := writeSynced(f, data); err != nil {
		return true, err
	}
	err = configs.GiveName(f, name)
	if errors.Is(err, fs.ErrNotExist) { // there is no /proc
		return false, nil
	}
	if err != nil {
		return true, &os.LinkError{Op: "link", Old: "a file without a name", New: name, Err: err}
	}
	return true, nil
}

// writeBesideNew writes under a name of its own first, which a kill leaves.
func writeBesideNew(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*") // 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	if err := errors.Join(writeSynced(f, data), f.Close()); err != nil {
		return err
	}
	err = os.Link(f.Name(), name)
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrPermission) {
		err = os.Rename(f.Name(), name) // a file system without links
	}
	return err
}

// writeSynced puts data onto the disk.
func writeSynced(f *os.File, data []byte) error {
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Sync()
}
