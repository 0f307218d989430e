//go:build unix

package logs

import "golang.org/x/sys/unix"

// noFollow makes opening fail where the last part of the path is a symlink.
const noFollow = unix.O_NOFOLLOW
