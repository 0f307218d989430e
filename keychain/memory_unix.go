//go:build unix

package keychain

import "golang.org/x/sys/unix"

// WriteNoCore keeps this process's memory out of core files. The limit is one
// byte where the person's own is not zero: a limit of zero does not stop a dump
// into a pipe, one byte stops both (core(5)), and programs that are started from
// here can still set the same.
func WriteNoCore() error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &limit); err != nil {
		return &MemoryError{Op: "read core limit", Err: err}
	}
	limit.Max = min(limit.Max, 1)
	limit.Cur = limit.Max
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &limit); err != nil {
		return &MemoryError{Op: "lower core limit", Err: err}
	}
	return nil
}
