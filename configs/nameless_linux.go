package configs

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Nameless is a file in a folder that has no name there yet (O_TMPFILE), readable by its
// owner only: who is killed before it has one leaves nothing. nil: it cannot be had.
func Nameless(folder string) *os.File {
	f, err := os.OpenFile(folder, unix.O_TMPFILE|unix.O_RDWR, 0o600)
	if err != nil {
		return nil
	}
	return f
}

// GiveName fails where something has the name already.
func GiveName(f *os.File, name string) error {
	// By its place in /proc: that needs no privilege, as a descriptor alone does.
	err := unix.Linkat(unix.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(int(f.Fd())), unix.AT_FDCWD, name, unix.AT_SYMLINK_FOLLOW)
	if err != nil {
		return &os.LinkError{Op: "link", Old: "a file without a name", New: name, Err: err}
	}
	return nil
}
