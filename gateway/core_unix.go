//go:build unix

package gateway

import "golang.org/x/sys/unix"

// withoutCore keeps this process's memory, which holds secrets, out of core
// files.
func withoutCore() error { return unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}) }
