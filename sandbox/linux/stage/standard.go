//go:build linux

package stage

import (
	"errors"

	"openclaw/sandbox/linux/mounts"
)

// standardFailed says what a person can do about standard input or output that
// cannot be given to the command as it is.
func standardFailed(err error) error {
	f := fail("take over the standard descriptors", err)
	if errors.Is(err, mounts.ErrInput) {
		f.Hint = "give the command the file through a pipe: cat FILE | openclaw ..."
	}
	return f
}
