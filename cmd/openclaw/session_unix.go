//go:build unix

package main

import "syscall"

// ownSession keeps the terminal's signals from a gateway that was started here.
func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
