//go:build linux

package gate

import (
	"errors"
	"os"
	"path"
	"strconv"
	"strings"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// beneath opens a clean absolute path of the host, beneath the held root and
// through no link. A path that changed into a link meanwhile is not there.
func (g *Gate) beneath(name string, flags uint64, mode uint32) (int, syscall.Errno) {
	defer g.rights.Lower()()
	how := unix.OpenHow{
		Flags:   flags | unix.O_CLOEXEC | unix.O_NOFOLLOW,
		Mode:    uint64(mode),
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_SYMLINKS,
	}
	relative := strings.TrimPrefix(name, "/")
	if relative == "" {
		relative = "."
	}
	for {
		fd, err := unix.Openat2(int(g.root.Fd()), relative, &how)
		if err == nil {
			return fd, 0
		}
		if errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) {
			continue
		}
		return -1, errno(err)
	}
}

// inParent opens the folder that holds a name.
func (g *Gate) inParent(name string) (int, string, syscall.Errno) {
	dir, base := path.Split(name)
	fd, code := g.beneath(path.Clean(dir), unix.O_PATH|unix.O_DIRECTORY, 0)
	return fd, base, code
}

// stat looks at a path itself, also when it is a link.
func (g *Gate) stat(name string) (syscall.Stat_t, syscall.Errno) {
	var stat syscall.Stat_t
	fd, code := g.beneath(name, unix.O_PATH, 0)
	if code != 0 {
		return stat, code
	}
	defer closeFD(fd)
	return stat, errno(syscall.Fstat(fd, &stat))
}

func (g *Gate) readlink(name string) (string, syscall.Errno) {
	fd, code := g.beneath(name, unix.O_PATH, 0)
	if code != 0 {
		return "", code
	}
	defer closeFD(fd)
	buffer := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", buffer)
	if err != nil {
		return "", errno(err)
	}
	return string(buffer[:n]), 0
}

// owned gives a file's owners as the cage can tell them: it knows one user and
// one group, and Linux lets nobody write to a file of an owner without a number
// there. So what this user may write is shown as this user's; what it may only
// read keeps its owner, which the cage shows as nobody.
func (g *Gate) owned(name string, out *fuse.Attr) {
	out.Gid = g.gid
	if out.Uid == g.uid {
		return
	}
	fd, code := g.beneath(name, unix.O_PATH, 0)
	if code != 0 {
		return
	}
	defer closeFD(fd)
	defer g.rights.Lower()()
	if unix.Faccessat(unix.AT_FDCWD, byDescriptor(fd), unix.W_OK, unix.AT_EACCESS) == nil {
		out.Uid = g.uid
	}
}

// absent reports whether an answer means that there is nothing.
func absent(code syscall.Errno) bool {
	return code == syscall.ENOENT || code == syscall.ENOTDIR || code == syscall.ELOOP || code == syscall.ENAMETOOLONG
}

func errno(err error) syscall.Errno {
	var code syscall.Errno
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return code
	}
	return syscall.EIO
}

func closeFD(fd int) { _ = unix.Close(fd) }

// byDescriptor is the path of an open descriptor, for the calls that take no
// descriptor of a path-only kind.
func byDescriptor(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

// veiled are the attributes of something refused: its kind and nothing more.
// What is neither file, folder, link nor socket is shown as a file, so that the
// kernel asks before it opens it.
func veiled(name string, out *fuse.Attr, mode uint32) {
	*out = fuse.Attr{Ino: veiledNumber(name), Nlink: 1, Blksize: 4096, Owner: fuse.Owner{Uid: uint32(os.Getuid()), Gid: uint32(os.Getgid())}}
	switch mode & syscall.S_IFMT {
	case syscall.S_IFDIR:
		out.Mode = syscall.S_IFDIR | 0o555
	case syscall.S_IFLNK:
		out.Mode = syscall.S_IFLNK | 0o777
	case syscall.S_IFSOCK:
		out.Mode = syscall.S_IFSOCK | 0o555
	default:
		out.Mode = syscall.S_IFREG | 0o555
	}
}
