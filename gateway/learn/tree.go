package learn

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Bounds of the look for secrets in one folder.
const (
	maxScanned = 200_000 // entries
	maxSecrets = 20
)

// Tree is what a proposal needs to know of the files of this machine.
type Tree interface {
	File(name string) bool    // a regular file is there
	Folder(name string) bool  // a folder is there
	Program(name string) bool // a regular file that may be executed is there
	// Secrets lists the files below a folder whose names look secret, as many as
	// make a difference. whole is false when the folder is too large to look through.
	Secrets(folder string) (names []string, whole bool)
}

// Host is this machine's own tree. It follows no links.
type Host struct{}

// File implements Tree.
func (Host) File(name string) bool {
	info, err := os.Lstat(name)
	return err == nil && info.Mode().IsRegular()
}

// Folder implements Tree.
func (Host) Folder(name string) bool {
	info, err := os.Lstat(name)
	return err == nil && info.IsDir()
}

// Program implements Tree.
func (Host) Program(name string) bool {
	info, err := os.Lstat(name)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

var errEnough = errors.New("enough")

// Secrets implements Tree.
func (Host) Secrets(folder string) (names []string, whole bool) {
	seen := 0
	whole = true
	_ = filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
		if seen++; seen > maxScanned {
			whole = false
			return errEnough
		}
		if err != nil || entry.IsDir() {
			return nil //nolint:nilerr // what cannot be read from here cannot be read from the cage
		}
		if secret(name) {
			names = append(names, name)
		}
		if len(names) > maxSecrets {
			return errEnough
		}
		return nil
	})
	return names, whole
}
