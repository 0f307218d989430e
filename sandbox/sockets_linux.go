package sandbox

import (
	"context"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"

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
	case outsideSocket(socket):
		target := call.UnixPath
		if call.Address.IsValid() {
			target = call.Address.String()
		}
		return j.refuse(call, policy.ClassNet, target, handedIn(), unix.EACCES)
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
	return did(connect(ctx, call, socket, emulate.LocalAddress("/proc/self/fd/"+strconv.Itoa(fd))))
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

// connect makes the connection, for as long as the program waits for it.
func connect(ctx context.Context, call seccomp.Call, socket *emulate.Socket, address []byte) error {
	return socket.Connect(nobodyWaits(ctx, call), address)
}

// nobodyWaits reports whether a call is not to be answered any more.
func nobodyWaits(ctx context.Context, call seccomp.Call) func() bool {
	return func() bool { return ctx.Err() != nil || !call.Valid() }
}
