//go:build !unix

package spool

import (
	"errors"
	"io/fs"
	"os"
)

// errLocked says that a supervisor writes there.
var errLocked = errors.New("the file is being written")

// lock refuses: no cage runs on this system, so nothing is to be kept.
func lock(*os.File) error {
	return errors.New("files of the spool cannot be locked on this system")
}

func openFile(name string) (*os.File, error) { return os.Open(name) }

func isOwn(fs.FileInfo) bool { return true }

func syncFolder(string) error { return nil }
