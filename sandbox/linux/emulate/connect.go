//go:build linux

package emulate

import (
	"encoding/binary"
	"errors"
	"runtime"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Socket is one of the caller's sockets.
type Socket struct{ Descriptor, Family, Kind int }

// TakeSocket duplicates one of the caller's sockets.
func (c Caller) TakeSocket(number int) (*Socket, error) {
	fd, err := c.Take(number)
	if err != nil {
		return nil, err
	}
	s := &Socket{Descriptor: fd}
	if s.Family, err = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN); err == nil {
		s.Kind, err = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	}
	if err != nil {
		s.Close()
		return nil, unix.ENOTSOCK
	}
	return s, nil
}

// Close lets go of the duplicate.
func (s *Socket) Close() { _ = unix.Close(s.Descriptor) }

// LocalAddress is the struct sockaddr of a path.
func LocalAddress(name string) []byte {
	address := make([]byte, 2, 40)
	binary.NativeEndian.PutUint16(address, unix.AF_UNIX)
	return append(append(address, name...), 0)
}

// ConnectLocal connects to a socket that has a path. See Connect.
func (s *Socket) ConnectLocal(over func() bool, o *Object) error {
	if s.Family != unix.AF_UNIX {
		return unix.EINVAL
	}
	restore, err := lower()
	if err != nil {
		return err
	}
	defer restore()
	return s.Connect(over, LocalAddress(o.Name()))
}

// ConnectLoopback connects to a port of 127.0.0.1 and returns the port that the
// connection comes from. See Connect.
func (s *Socket) ConnectLoopback(over func() bool, address [4]byte, port int) (from int, err error) {
	if s.Family != unix.AF_INET || s.Kind != unix.SOCK_STREAM {
		return 0, unix.EINVAL
	}
	to := make([]byte, unix.SizeofSockaddrInet4)
	binary.NativeEndian.PutUint16(to, unix.AF_INET)
	binary.BigEndian.PutUint16(to[2:], uint16(port))
	copy(to[4:], address[:])
	connectErr := s.Connect(over, to)
	name, err := unix.Getsockname(s.Descriptor)
	if err != nil {
		return 0, connectErr
	}
	if own, ok := name.(*unix.SockaddrInet4); ok {
		from = own.Port
	}
	return from, connectErr
}

// Pauses of a connection that takes its time.
const (
	connectMoment = 4 * time.Millisecond // the first wait, in the kernel
	connectPause  = 20 * time.Millisecond
	connectLook   = 200 * time.Millisecond // between two looks whether the program is still there
)

// Connect makes the connection that a struct sockaddr names. Where the caller would
// wait, it waits here, until over says that nobody waits for it any more, without
// holding the socket's own time limit for longer than a moment.
func (s *Socket) Connect(over func() bool, address []byte) error {
	flags, err := unix.FcntlInt(uintptr(s.Descriptor), unix.F_GETFL, 0)
	if err != nil {
		return err
	}
	waits := flags&unix.O_NONBLOCK == 0 && s.Kind != unix.SOCK_DGRAM && s.Kind != unix.SOCK_RAW
	if !waits {
		return s.try(over, address)
	}
	limit, err := unix.GetsockoptTimeval(s.Descriptor, unix.SOL_SOCKET, unix.SO_SNDTIMEO)
	if err != nil {
		return s.try(over, address)
	}
	ended := over
	if after := time.Duration(limit.Nano()); after > 0 {
		end := time.Now().Add(after)
		ended = func() bool { return over() || time.Now().After(end) }
	}
	s.waitFor(connectMoment)
	defer func() { _ = unix.SetsockoptTimeval(s.Descriptor, unix.SOL_SOCKET, unix.SO_SNDTIMEO, limit) }()
	for {
		err := s.try(ended, address)
		isOver := ended()
		switch {
		case errors.Is(err, unix.EAGAIN) && s.Family == unix.AF_UNIX && !isOver: // the listener's queue is full
			time.Sleep(connectPause)
		case errors.Is(err, unix.EINTR) && s.Family == unix.AF_UNIX && !isOver: // a signal to this thread, which the program knows nothing of
		case (errors.Is(err, unix.EINPROGRESS) || errors.Is(err, unix.EINTR)) && !isOver: // TCP goes on by itself
			return s.outcome(ended)
		default:
			return err
		}
	}
}

// waitFor bounds the waits in the kernel that begin from now on.
func (s *Socket) waitFor(at time.Duration) {
	limit := unix.NsecToTimeval(int64(at))
	_ = unix.SetsockoptTimeval(s.Descriptor, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &limit)
}

// try makes one call. How long that waits is for the socket to say, which is the
// program's too: another thread of it may have it say "for ever" just before. So a
// signal cuts the call short once nobody waits for it any more, as often as it takes.
// It is the one that Go's runtime sends to its own threads, and means nothing else.
func (s *Socket) try(over func() bool, address []byte) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var mu sync.Mutex // held while the descriptor is used from beside
	made, process, thread := false, unix.Getpid(), unix.Gettid()
	var looks *time.Timer
	look := func() {
		gone := over()
		mu.Lock()
		defer mu.Unlock()
		switch {
		case made:
		case gone:
			s.waitFor(connectMoment) // for a call that the kernel begins anew
			_ = unix.Tgkill(process, thread, unix.SIGURG)
			looks.Reset(connectPause)
		default:
			looks.Reset(connectLook)
		}
	}
	mu.Lock()
	looks = time.AfterFunc(connectLook, look)
	mu.Unlock()
	//nolint:gosec // the kernel reads the address during the call
	_, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(s.Descriptor), uintptr(unsafe.Pointer(&address[0])), uintptr(len(address)))
	mu.Lock()
	made = true
	mu.Unlock()
	looks.Stop()
	return none(errno)
}

// outcome waits until a connection is made, or is not.
func (s *Socket) outcome(over func() bool) error {
	for {
		set := []unix.PollFd{{Fd: int32(s.Descriptor), Events: unix.POLLOUT}}
		n, err := unix.Poll(set, int(connectLook/time.Millisecond))
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return err
		case n > 0:
			code, err := unix.GetsockoptInt(s.Descriptor, unix.SOL_SOCKET, unix.SO_ERROR)
			if err != nil || code != 0 {
				return errors.Join(err, unix.Errno(code))
			}
			return nil
		}
		if over() {
			return unix.EINPROGRESS
		}
	}
}
