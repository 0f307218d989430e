//go:build linux

package seccomp

import (
	"os"
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A denial names the process, also when one of its threads made the call, on
// kernels with each way to find it.
func TestThreadBelongsToItsProcess(t *testing.T) {
	if size := unsafe.Sizeof(descriptorInfo{}); size != 64 {
		t.Fatalf("struct pidfd_info has %d bytes", size)
	}
	tids, done := make(chan int), make(chan bool)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		tids <- unix.Gettid()
		<-done
	}()
	defer close(done)
	tid := <-tids
	for _, id := range []int{tid, os.Getpid()} {
		if got := processOf(id); got != os.Getpid() {
			t.Errorf("the process of %d is %d", id, got)
		}
		if got := processFromText(id); got != os.Getpid() {
			t.Errorf("the process of %d by /proc is %d", id, got)
		}
		if fd, err := unix.PidfdOpen(id, pidfdThread); err == nil {
			if got, err := processOfDescriptor(fd); err == nil && got != os.Getpid() {
				t.Errorf("the process of %d by its descriptor is %d", id, got)
			}
			_ = unix.Close(fd)
		}
	}
	if gone := 1 << 22; processOf(gone) != gone {
		t.Error("a thread that is not there has a process")
	}
}
