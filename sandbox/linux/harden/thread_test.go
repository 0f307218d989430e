//go:build linux

package harden

import (
	"runtime"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// What is given up on a thread of its own must not be given up by the process: with
// the first thread in the command's Landlock domain init would get its signals.
func TestOwnThreadIsNeverTheFirst(t *testing.T) {
	var group sync.WaitGroup
	for range 2000 {
		group.Add(1)
		OwnThread(func() {
			defer group.Done()
			if unix.Gettid() == unix.Getpid() {
				t.Error("it is the process's first thread")
			}
		})
		runtime.Gosched()
	}
	group.Wait()
}
