package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
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
