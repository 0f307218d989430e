//go:build unix

package main

import (
	"errors"
	"path/filepath"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/policy"
)

// refusedToAll reports whether the file system refuses an operation on a path to every
// program of this user.
func refusedToAll(class policy.Class, name string) bool {
	mode := uint32(unix.R_OK)
	switch class {
	case policy.ClassPathWrite:
		mode = unix.W_OK
	case policy.ClassExec:
		mode = unix.X_OK
	case policy.ClassPathRead, policy.ClassNet, policy.ClassLimit:
	}
	err := unix.Faccessat(unix.AT_FDCWD, name, mode, unix.AT_EACCESS)
	if class == policy.ClassPathWrite && errors.Is(err, unix.ENOENT) {
		err = unix.Faccessat(unix.AT_FDCWD, filepath.Dir(name), unix.W_OK|unix.X_OK, unix.AT_EACCESS)
	}
	return errors.Is(err, unix.EACCES) || errors.Is(err, unix.EROFS)
}
