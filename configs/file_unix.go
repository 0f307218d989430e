//go:build linux || darwin || freebsd || netbsd || openbsd

package configs

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// modesMatter: the permission bits of a file say who may read it.
const modesMatter = true

// openNonblocking keeps the opening of a pipe from waiting for a writer.
const openNonblocking = syscall.O_NONBLOCK

// ownerOf says whose the file is.
func ownerOf(info fs.FileInfo) ownership { return ownerFor(info, os.Geteuid()) }

// ownerFor is ownerOf for a user. Root may read anybody's config.
func ownerFor(info fs.FileInfo, user int) ownership {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if ok && user != 0 && stat.Uid != 0 && int(stat.Uid) != user {
		return ownerForeign
	}
	return ownerOurs
}

// madeByUs reports whether this very user owns a file; root is nobody's deputy
// here.
func madeByUs(info fs.FileInfo) bool { return madeBy(info, os.Geteuid()) }

func madeBy(info fs.FileInfo, user int) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == user
}

// mayWrite reports whether this user may write into a file.
func mayWrite(path string) bool { return unix.Access(path, unix.W_OK) == nil }

// lockFolder keeps two editors of this program apart until unlock is called.
func lockFolder(folder string) (unlock func(), err error) {
	f, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	for {
		if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX); !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}
