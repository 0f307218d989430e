//go:build !linux

package configs

import (
	"errors"
	"os"
)

// Nameless is nil: this system has no files without a name.
func Nameless(string) *os.File { return nil }

// GiveName has nothing to give one to.
func GiveName(*os.File, string) error { return errors.ErrUnsupported }
