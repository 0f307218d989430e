//go:build linux

package harden

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// OwnThread runs work on a thread of its own, which ends with it, and returns at
// once. The thread is never the process's first: to the kernel that one is the
// process, so that what it gave up the process would have given up. A goroutine may
// land on it wherever the program's main one was moved away before it was locked:
// rare, and more often the busier the machine is.
func OwnThread(work func()) { go ownThread(work, func() {}) }

// ownThread calls locked when it has a thread that will do.
func ownThread(work, locked func()) {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		other := make(chan struct{})
		go ownThread(work, func() { close(other) })
		<-other // until then this one stays taken
		runtime.UnlockOSThread()
		return
	}
	locked()
	work() // a goroutine that returns locked takes its thread along
}
