//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// controlled makes a terminal the controlling one of this process's session: keys
// such as ctrl+c then reach what runs in it. The hang-up of that terminal, which
// this process itself closes at the end, ends nothing here.
func controlled(terminal *os.File) error {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	return unix.IoctlSetInt(int(terminal.Fd()), unix.TIOCSCTTY, 0)
}
