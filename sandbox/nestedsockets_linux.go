package sandbox

import (
	"context"
	"errors"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/emulate"
	"openclaw/sandbox/linux/mounts"
	"openclaw/sandbox/linux/seccomp"
	"openclaw/sandbox/policy"
)

// atNestedSocket lets a nested sandbox reach what the cage's own programs listen
// at in the cage's own memory: sandboxes have their proxies there. Where a socket
// lies is told by its file system, which nobody outside the cage can see; in
// other places the path is in a tree that the policy has no word on. In the cage's own
// /run, which is read-only, nobody can listen.
func (j *judge) atNestedSocket(ctx context.Context, call seccomp.Call, socket *emulate.Socket) seccomp.Verdict {
	refused := func() seccomp.Verdict {
		return j.refuse(call, policy.ClassPathWrite, call.WrittenSocket, nestedSocket(), unix.EACCES)
	}
	rest, below := strings.CutPrefix(path.Clean(call.WrittenSocket), "/tmp/")
	if !below || j.process.plan.Regions.Of("/tmp") != mounts.Private {
		return refused()
	}
	own, err := openBelow("/proc/"+strconv.Itoa(j.process.identity.init)+"/root", "tmp", unix.O_DIRECTORY, unix.RESOLVE_IN_ROOT)
	if err != nil {
		return refused()
	}
	defer func() { _ = unix.Close(own) }()
	theirs, err := openBelow("/proc/"+strconv.Itoa(call.TID)+"/root", "tmp", unix.O_DIRECTORY, unix.RESOLVE_IN_ROOT)
	if err != nil {
		return refused()
	}
	defer func() { _ = unix.Close(theirs) }()
	if same, err := sameFileSystem(own, theirs); err != nil || !same || !call.Valid() {
		return refused()
	}
	// It stays in that file system, so nothing of the host's can be behind the name.
	fd, err := openBelow("/proc/self/fd/"+strconv.Itoa(theirs), rest, 0, unix.RESOLVE_BENEATH|unix.RESOLVE_NO_XDEV)
	switch {
	case errors.Is(err, unix.ENOENT):
		return seccomp.Verdict{Errno: unix.ENOENT}
	case err != nil:
		return refused()
	}
	defer func() { _ = unix.Close(fd) }()
	return did(connect(ctx, call, socket, emulate.LocalAddress("/proc/self/fd/"+strconv.Itoa(fd))))
}

// openBelow opens a path only, through no link.
func openBelow(folder, name string, flags int, resolve uint64) (int, error) {
	at, err := unix.Open(folder, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	defer func() { _ = unix.Close(at) }()
	how := unix.OpenHow{
		Flags:   uint64(unix.O_PATH | unix.O_CLOEXEC | unix.O_NOFOLLOW | flags),
		Resolve: resolve | unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_SYMLINKS,
	}
	for {
		fd, err := unix.Openat2(at, name, &how)
		if !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EAGAIN) {
			return fd, err
		}
	}
}

// sameFileSystem asks the kernel alone: one of them may be this process's own.
func sameFileSystem(a, b int) (bool, error) {
	var one, other unix.Statx_t
	const flags = unix.AT_EMPTY_PATH | unix.AT_STATX_DONT_SYNC
	if err := errors.Join(unix.Statx(a, "", flags, unix.STATX_TYPE, &one), unix.Statx(b, "", flags, unix.STATX_TYPE, &other)); err != nil {
		return false, err
	}
	return one.Dev_major == other.Dev_major && one.Dev_minor == other.Dev_minor, nil
}
