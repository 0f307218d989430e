package main

import (
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// writeNameless writes a file that gets its name when it is whole. Not done: the file
// system has no such files, and nothing was written.
func writeNameless(name string, data []byte) (done bool, err error) {
	f := nameless(filepath.Dir(name))
	if f == nil {
		return false, nil // the other way says what is wrong with the folder
	}
	defer f.Close()
	if err := writeSynced(f, data); err != nil {
		return true, err
	}
	err = giveName(f, name)
	if err == unix.ENOENT { //nolint:errorlint // an Errno as it is: there is no /proc
		return false, nil
	}
	if err != nil {
		return true, &os.LinkError{Op: "link", Old: "a file without a name", New: name, Err: err}
	}
	return true, nil
}

// nameless is a file in a folder that has no name there yet (O_TMPFILE), readable by its
// owner only; nil: it cannot be had.
func nameless(folder string) *os.File {
	f, err := os.OpenFile(folder, unix.O_TMPFILE|unix.O_RDWR, 0o600)
	if err != nil {
		return nil
	}
	return f
}

// giveName fails where something has the name already.
func giveName(f *os.File, name string) error {
	// By its place in /proc: that needs no privilege, as a descriptor alone does.
	return unix.Linkat(unix.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(int(f.Fd())), unix.AT_FDCWD, name, unix.AT_SYMLINK_FOLLOW)
}
