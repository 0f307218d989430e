package supervise

import (
	"os"

	"golang.org/x/sys/unix"
)

// watchExit returns a channel that is closed when a process has ended, even
// while its parent does not look. stop releases it. A process that is not known
// or not there is never seen to end.
func watchExit(pid int) (gone <-chan struct{}, stop func()) {
	nothing := func() {}
	if pid <= 0 {
		return nil, nothing
	}
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return nil, nothing
	}
	file := os.NewFile(uintptr(fd), "process")
	conn, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return nil, nothing
	}
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		err := conn.Read(func(fd uintptr) bool {
			set := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
			n, err := unix.Poll(set, 0)
			return err == nil && n > 0 // otherwise wait for the poller
		})
		if err == nil {
			close(ended)
		}
	}()
	return ended, func() {
		_ = file.Close()
		<-done
	}
}
