//go:build unix

package certs

import (
	"io/fs"
	"os"
	"syscall"
)

// modesMatter: the permission bits of a file say who may read it.
const modesMatter = true

// openNonblocking keeps the opening of a pipe from waiting for a writer.
const openNonblocking = syscall.O_NONBLOCK

// trustedOwner reports whether a file is this user's or root's. Root may use
// anybody's, as it may read and replace them anyway.
func trustedOwner(info fs.FileInfo) bool {
	stat, is := info.Sys().(*syscall.Stat_t)
	user := os.Geteuid()
	return !is || user == 0 || stat.Uid == 0 || int(stat.Uid) == user
}
