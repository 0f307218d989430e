package sandbox

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ends hears how the programs of a cage end, which their parents alone are told:
// one that the kernel ended for a file past max_file_size is reported, and what any
// has written is looked at (grown). It needs Linux 6.15 (PIDFD_INFO_EXIT); before, only
// init's own children are known. Nobody hears of the end of one that was forked and loaded
// no program of its own.
type ends struct {
	epoll int
	tell  func(pid int, program string, killed bool)

	mu       sync.Mutex
	programs map[int]ended // by pidfd
	closed   bool
}

type ended struct {
	pid     int
	program string
}

// maxEnds bounds the programs that are followed at one time, a descriptor each.
const maxEnds = 4096

// newEnds is nil where the kernel does not tell.
func newEnds(tell func(pid int, program string, killed bool)) *ends {
	own, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return nil
	}
	defer func() { _ = unix.Close(own) }()
	if _, err := exitOf(own); err != nil {
		return nil
	}
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil
	}
	return &ends{epoll: epoll, tell: tell, programs: map[int]ended{}}
}

// follow is called before a process loads a program.
func (e *ends) follow(pid int, program string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for fd, known := range e.programs {
		if known.pid == pid && !gone(fd) {
			e.programs[fd] = ended{pid, program}
			return
		}
	}
	if e.closed || len(e.programs) >= maxEnds {
		return
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return // it has ended
	}
	event := unix.EpollEvent{Fd: int32(fd)} // a hang-up, when it has been waited for, is always told
	if err := unix.EpollCtl(e.epoll, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		_ = unix.Close(fd)
		return
	}
	e.programs[fd] = ended{pid, program}
}

// gone reports whether the process has been waited for.
func gone(fd int) bool {
	set := []unix.PollFd{{Fd: int32(fd)}}
	n, err := unix.Poll(set, 0)
	return err == nil && n > 0 && set[0].Revents&unix.POLLHUP != 0
}

// run reports until stop, and then what is left.
func (e *ends) run(stop <-chan struct{}) {
	for last := false; !last; {
		select {
		case <-stop:
			last = true // one more round
		default:
		}
		events := make([]unix.EpollEvent, 64)
		wait := 100 // milliseconds between two looks at stop
		for {
			if last {
				wait = 0
			}
			n, err := unix.EpollWait(e.epoll, events, wait)
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if err != nil || n == 0 {
				break
			}
			for _, event := range events[:n] {
				if event.Events&unix.EPOLLHUP != 0 {
					e.end(int(event.Fd))
				}
			}
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	for fd := range e.programs {
		_ = unix.Close(fd)
	}
	_ = unix.Close(e.epoll)
}

func (e *ends) end(fd int) {
	e.mu.Lock()
	known, ok := e.programs[fd]
	if !ok { // told twice: by now the number may be another file's
		e.mu.Unlock()
		return
	}
	status, err := exitOf(fd)
	delete(e.programs, fd)
	// A close alone leaves it in the epoll set as long as a child of this program,
	// between fork and exec, holds it too.
	_ = unix.EpollCtl(e.epoll, unix.EPOLL_CTL_DEL, fd, nil)
	_ = unix.Close(fd)
	e.mu.Unlock()
	e.tell(known.pid, known.program, err == nil && status.Signaled() && status.Signal() == unix.SIGXFSZ)
}

// exitOf reads a process's status by PIDFD_GET_INFO (include/uapi/linux/pidfd.h):
// struct pidfd_info is a mask, a cgroup's number, eleven numbers of the process
// and its owners, and the exit code, 64 bytes. The code is there, and marked in
// the mask, once the process has been waited for.
func exitOf(fd int) (unix.WaitStatus, error) {
	const getInfo, infoExit = 0xc040ff0b, 1 << 3
	info := struct {
		mask, group uint64
		_           [11]uint32
		code        uint32
	}{mask: infoExit}
	//nolint:gosec // the kernel writes during the call
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), getInfo, uintptr(unsafe.Pointer(&info))); errno != 0 {
		return 0, fmt.Errorf("read exit status: %w", errno)
	}
	if info.mask&infoExit == 0 {
		return 0, nil
	}
	return unix.WaitStatus(info.code), nil
}
