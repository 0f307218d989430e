package sandbox

import (
	"context"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/emulate"
	"openclaw/sandbox/linux/harden"
	"openclaw/sandbox/linux/mounts"
	"openclaw/sandbox/linux/seccomp"
	"openclaw/sandbox/policy"
)

// atConnection makes a connection in the program's place. Linux asks nobody who
// may connect to a socket with a path but its mode, before Landlock version 9; and
// a call that is let go on may carry another address, on another socket, than was
// judged. So none is: the socket is duplicated, the address is read once, and both
// are what was judged.
func (j *judge) atConnection(ctx context.Context, call seccomp.Call) seccomp.Verdict {
	address, err := readAddress(call)
	if err != nil {
		return failed(err)
	}
	socket, err := callerOf(call).TakeSocket(int(int32(call.Arguments[0])))
	if err != nil {
		return failed(err)
	}
	defer socket.Close()
	if !call.Valid() {
		return seccomp.Verdict{Errno: unix.EACCES}
	}
	if err := call.ReadAddress(address); err != nil {
		return failed(err)
	}
	family := binary.NativeEndian.Uint16(address)
	switch {
	case socket.Family == unix.AF_NETLINK && !toKernel(address):
		return seccomp.Verdict{Errno: unix.EPERM} // a group may need a privilege, which the caller has not
	case family == unix.AF_UNIX && socket.Family == unix.AF_UNIX && call.WrittenSocket != "":
		if j.elsewhere(call.TID) {
			return j.atNestedSocket(ctx, call, socket)
		}
		return j.atSocket(ctx, call, socket)
	case call.Address.IsValid():
		if verdict := j.atConnect(call); verdict.Errno != 0 {
			return verdict
		}
	}
	return did(connect(ctx, call, socket, address))
}

// toKernel reports whether a struct sockaddr_nl names the kernel and no group.
func toKernel(address []byte) bool {
	return len(address) >= unix.SizeofSockaddrNetlink && binary.NativeEndian.Uint32(address[4:]) == 0 && binary.NativeEndian.Uint32(address[8:]) == 0
}

// atSocket judges a connection to a socket that has a path, as the cage sees the
// path. The gate does not see it: a socket behind it has nobody listening.
func (j *judge) atSocket(ctx context.Context, call seccomp.Call, socket *emulate.Socket) seccomp.Verdict {
	real, exists, region := j.region(call, call.WrittenSocket, true)
	if !exists {
		return seccomp.Verdict{Errno: unix.ENOENT}
	}
	decision := j.policy.Load().Decide(policy.Request{Class: policy.ClassPathWrite, Path: real})
	if region != mounts.Private && (decision.Effect != policy.Allow || !region.Native()) {
		return j.refuse(call, policy.ClassPathWrite, real, decision, unix.EACCES)
	}
	fd, err := j.inCage(real)
	if err != nil {
		return failed(err)
	}
	defer func() { _ = unix.Close(fd) }()
	if !mayWrite(fd) {
		return seccomp.Verdict{Errno: unix.EACCES}
	}
	name := make([]byte, 2, 40)
	binary.NativeEndian.PutUint16(name, unix.AF_UNIX)
	name = append(append(name, "/proc/self/fd/"+strconv.Itoa(fd)...), 0)
	return did(connect(ctx, call, socket, name))
}

// inCage opens what a path is inside the cage, through no link.
func (j *judge) inCage(real string) (int, error) {
	root, err := unix.Open("/proc/"+strconv.Itoa(j.process.identity.init)+"/root", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, unix.EACCES
	}
	defer func() { _ = unix.Close(root) }()
	rights, err := harden.OwnRights()
	if err != nil {
		return -1, unix.EACCES
	}
	defer rights.Lower()() // the program goes through no folder that is closed to it
	how := unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_CLOEXEC | unix.O_NOFOLLOW,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_SYMLINKS,
	}
	for {
		fd, err := unix.Openat2(root, strings.TrimPrefix(real, "/"), &how)
		if !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EAGAIN) {
			return fd, err
		}
	}
}

// mayWrite reports whether the mode lets the cage's user write; as root this
// process may whatever it says.
func mayWrite(fd int) bool {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return false
	}
	if unix.Geteuid() != 0 {
		return true // the kernel asks
	}
	return stat.Mode&0o002 != 0 || stat.Uid == 0 && stat.Mode&0o200 != 0
}

// Pauses of a connection that takes its time.
const (
	connectMoment = 4 * time.Millisecond // the first wait, in the kernel
	connectPause  = 20 * time.Millisecond
	connectLook   = 200 // milliseconds between two looks whether the program is still there
)

// connect makes the connection. Where the caller would wait, it waits here
// without holding the socket's own time limit for longer than a moment.
func connect(ctx context.Context, call seccomp.Call, socket *emulate.Socket, address []byte) error {
	fd := socket.Descriptor
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return err
	}
	waits := flags&unix.O_NONBLOCK == 0 && socket.Kind != unix.SOCK_DGRAM && socket.Kind != unix.SOCK_RAW
	if !waits {
		return connectOnce(fd, address)
	}
	limit, err := unix.GetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO)
	if err != nil {
		return connectOnce(fd, address)
	}
	end := time.Time{}
	if after := time.Duration(limit.Nano()); after > 0 {
		end = time.Now().Add(after)
	}
	moment := unix.NsecToTimeval(int64(connectMoment))
	_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &moment)
	defer func() { _ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, limit) }()
	for {
		err := connectOnce(fd, address)
		over := ctx.Err() != nil || !call.Valid() || !end.IsZero() && time.Now().After(end)
		switch {
		case errors.Is(err, unix.EAGAIN) && socket.Family == unix.AF_UNIX && !over: // the listener's queue is full
			time.Sleep(connectPause)
		case errors.Is(err, unix.EINTR) && socket.Family == unix.AF_UNIX && !over: // a signal to this thread, which the program knows nothing of
		case (errors.Is(err, unix.EINPROGRESS) || errors.Is(err, unix.EINTR)) && !over: // TCP goes on by itself
			return connected(ctx, call, fd, end)
		default:
			return err
		}
	}
}

// connected waits until a connection is made, or is not.
func connected(ctx context.Context, call seccomp.Call, fd int, end time.Time) error {
	for {
		set := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
		n, err := unix.Poll(set, connectLook)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return err
		case n > 0:
			code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
			if err != nil || code != 0 {
				return errors.Join(err, unix.Errno(code))
			}
			return nil
		}
		if ctx.Err() != nil || !call.Valid() || !end.IsZero() && time.Now().After(end) {
			return unix.EINPROGRESS
		}
	}
}

func connectOnce(fd int, address []byte) error {
	//nolint:gosec // the kernel reads the address during the call
	_, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&address[0])), uintptr(len(address)))
	if errno != 0 {
		return errno
	}
	return nil
}
