//go:build unix

package gateway

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// withoutCore keeps this process's memory, which holds secrets, out of core
// files. The limit is one byte where the person's own is not zero: a limit of
// zero does not stop a dump into a pipe, one byte stops both, and programs that
// are started from here can still set the same.
func withoutCore() error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &limit); err != nil {
		return fmt.Errorf("read core limit: %w", err)
	}
	limit.Max = min(limit.Max, 1)
	limit.Cur = limit.Max
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &limit); err != nil {
		return fmt.Errorf("lower core limit: %w", err)
	}
	return nil
}
