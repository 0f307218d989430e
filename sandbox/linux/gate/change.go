//go:build linux

package gate

import (
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"openclaw/sandbox/policy"
)

// change judges an operation that makes, moves or removes a name.
func (g *Gate) change(done <-chan struct{}, header *fuse.InHeader, name, operation string) (string, syscall.Errno) {
	child := g.nodes.child(header.NodeId, name)
	if child == "" {
		return "", syscall.ENOENT
	}
	if g.open.Load() {
		return "", syscall.EACCES
	}
	return child, g.permit(done, header.Pid, policy.ClassPathWrite, operation, child)
}

// made completes an operation that made a name.
func (g *Gate) made(child string, out *fuse.EntryOut, do func(dir int, base string) error) fuse.Status {
	dir, base, code := g.inParent(child)
	if code != 0 {
		return fuse.Status(code)
	}
	defer closeFD(dir)
	restore := g.rights.Lower()
	err := do(dir, base)
	restore()
	if err != nil {
		return fuse.ToStatus(err)
	}
	return fuse.Status(g.entry(child, out))
}

// Mkdir makes a folder.
func (g *Gate) Mkdir(done <-chan struct{}, input *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	child, code := g.change(done, &input.InHeader, name, "mkdir")
	if code != 0 {
		return fuse.Status(code)
	}
	mode := input.Mode &^ input.Umask & 0o1777
	status := g.made(child, out, func(dir int, base string) error {
		err := unix.Mkdirat(dir, base, mode)
		if err != nil || mode&g.mask == 0 {
			return err
		}
		fd, err := unix.Openat(dir, base, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err == nil {
			g.unmaskFolder(fd, mode)
			closeFD(fd)
		}
		return nil
	})
	if status == fuse.OK {
		g.came(child, Made)
	}
	return status
}

// unmaskFolder is unmask for a folder, whose size says nothing.
func (g *Gate) unmaskFolder(fd int, mode uint32) {
	var stat unix.Stat_t
	if unix.Fstat(fd, &stat) == nil && stat.Mode&0o1777 == mode&^g.mask {
		_ = unix.Chmod(byDescriptor(fd), mode|stat.Mode&unix.S_ISGID)
	}
}

// Mknod makes an empty file, or the name of a pipe or socket, whose other end is
// in the cage too. Devices are not served.
func (g *Gate) Mknod(done <-chan struct{}, input *fuse.MknodIn, name string, out *fuse.EntryOut) fuse.Status {
	child, code := g.change(done, &input.InHeader, name, "mknod")
	if code != 0 {
		return fuse.Status(code)
	}
	mode := input.Mode &^ input.Umask & 0o777
	switch kind := input.Mode & syscall.S_IFMT; kind {
	case syscall.S_IFREG:
	case syscall.S_IFIFO, syscall.S_IFSOCK:
		return g.made(child, out, func(dir int, base string) error {
			err := unix.Mknodat(dir, base, kind|mode, 0)
			if err != nil || mode&g.mask == 0 {
				return err
			}
			fd, err := unix.Openat(dir, base, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
			if err == nil {
				g.unmask(fd, mode)
				closeFD(fd)
			}
			return nil
		})
	default:
		return fuse.EPERM
	}
	return g.made(child, out, func(dir int, base string) error {
		fd, err := unix.Openat(dir, base, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, mode)
		if err == nil {
			g.unmask(fd, mode)
			closeFD(fd)
		}
		return err
	})
}

// Unlink removes a file.
func (g *Gate) Unlink(done <-chan struct{}, header *fuse.InHeader, name string) fuse.Status {
	return g.remove(done, header, name, "unlink", 0)
}

// Rmdir removes an empty folder.
func (g *Gate) Rmdir(done <-chan struct{}, header *fuse.InHeader, name string) fuse.Status {
	return g.remove(done, header, name, "rmdir", unix.AT_REMOVEDIR)
}

func (g *Gate) remove(done <-chan struct{}, header *fuse.InHeader, name, operation string, flags int) fuse.Status {
	child, code := g.change(done, header, name, operation)
	if code != 0 {
		return fuse.Status(code)
	}
	dir, base, code := g.inParent(child)
	if code != 0 {
		return fuse.Status(code)
	}
	defer closeFD(dir)
	defer g.rights.Lower()()
	if err := unix.Unlinkat(dir, base, flags); err != nil {
		return fuse.ToStatus(err)
	}
	g.nodes.gone(child)
	return fuse.OK
}

// Rename moves a file or folder. Both names must be writable, and nothing that
// is refused or read-only may move along with a folder.
func (g *Gate) Rename(done <-chan struct{}, input *fuse.RenameIn, oldName, newName string) fuse.Status {
	from, code := g.change(done, &input.InHeader, oldName, "rename")
	if code != 0 {
		return fuse.Status(code)
	}
	header := input.InHeader
	header.NodeId = input.Newdir
	to, code := g.change(done, &header, newName, "rename")
	if code != 0 {
		return fuse.Status(code)
	}
	refused, code := g.move(from, to, uint(input.Flags))
	if refused != "" {
		return fuse.Status(g.refuseLink(input.Pid, "rename", refused))
	}
	return fuse.Status(code)
}

// writable reports whether a rule allows to write a path. A yes is to what the gate asked.
func (g *Gate) writable(name string) bool {
	return g.rules.Load().policy.Decide(policy.Request{Class: policy.ClassPathWrite, Path: name}).Effect == policy.Allow
}

// Move renames on the host what the cage asked to have moved from one mount to
// another. The answer is a syscall.Errno.
func (g *Gate) Move(from, to string, flags uint) error {
	for _, name := range []string{from, to} {
		if !g.writable(name) {
			return syscall.EACCES
		}
	}
	if flags&^(unix.RENAME_NOREPLACE|unix.RENAME_EXCHANGE) != 0 {
		return syscall.EINVAL
	}
	if _, code := g.move(from, to, flags); code != 0 {
		return code
	}
	return nil
}

// move renames. refused is the name that a link would have got which no link may have.
func (g *Gate) move(from, to string, flags uint) (refused string, code syscall.Errno) {
	splits := g.options.Splits
	if splits == nil {
		splits = g.rules.Load().policy.Splits
	}
	if splits(from) && g.isFolder(from) || splits(to) && g.isFolder(to) {
		return "", syscall.EBUSY
	}
	exchange := flags&unix.RENAME_EXCHANGE != 0
	switch {
	case g.chooses(to) && g.isLink(from):
		return to, syscall.EACCES
	case exchange && g.chooses(from) && g.isLink(to):
		return from, syscall.EACCES
	}
	fromDir, fromBase, code := g.inParent(from)
	if code != 0 {
		return "", code
	}
	defer closeFD(fromDir)
	toDir, toBase, code := g.inParent(to)
	if code != 0 {
		return "", code
	}
	defer closeFD(toDir)
	defer g.rights.Lower()()
	if err := unix.Renameat2(fromDir, fromBase, toDir, toBase, flags); err != nil {
		return "", errno(err)
	}
	if exchange {
		g.nodes.swapped(from, to)
	} else {
		g.nodes.moved(from, to)
	}
	// Another thread may have put a link there since the look.
	switch {
	case g.landed(toDir, toBase, to):
		return to, syscall.EACCES
	case exchange && g.landed(fromDir, fromBase, from):
		return from, syscall.EACCES
	}
	return "", 0
}

func (g *Gate) isFolder(name string) bool {
	stat, code := g.stat(name)
	return code == 0 && stat.Mode&syscall.S_IFMT == syscall.S_IFDIR
}

// SetAttr changes mode, owner, size or times.
func (g *Gate) SetAttr(done <-chan struct{}, input *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	if g.open.Load() {
		return fuse.EACCES
	}
	name := g.nodes.path(input.NodeId)
	if name != "" {
		if code := g.permit(done, input.Pid, policy.ClassPathWrite, attributeOperation(input), name); code != 0 {
			return fuse.Status(code)
		}
	} else if !g.still(input.NodeId, policy.ClassPathWrite, g.nodes.covers(input.NodeId, policy.ClassPathWrite)) {
		return fuse.EACCES
	}
	if size, ok := input.GetSize(); ok {
		if g.passes(size) {
			return fuse.Status(g.tooLarge(input.Pid, "truncate", name))
		}
		if code := g.truncate(input, name, int64(size)); code != 0 {
			return fuse.Status(code)
		}
	}
	fd, code := g.subject(input, name)
	if code != 0 {
		return fuse.Status(code)
	}
	defer closeFD(fd)
	if code := g.setAttributes(fd, input); code != 0 {
		return fuse.Status(code)
	}
	if name == "" || known(g.nodes.file(input.NodeId)) {
		return g.opened(fd, out)
	}
	_, code = g.attributes(name, &out.Attr)
	return fuse.Status(code)
}

func known(file identity) bool { return file != identity{} }

// truncate sets a size: of the open file, if the caller has one.
func (g *Gate) truncate(input *fuse.SetAttrIn, name string, size int64) syscall.Errno {
	fd := -1
	if handle, ok := input.GetFh(); ok {
		if file := g.handles.get(handle); file != nil && file.writes {
			fd, _ = unix.FcntlInt(uintptr(file.fd), unix.F_DUPFD_CLOEXEC, 0)
		}
	}
	if fd < 0 && name == "" {
		fd = g.nodes.duplicate(input.NodeId, true)
		if fd < 0 {
			return syscall.ESTALE
		}
	}
	if fd < 0 {
		var code syscall.Errno
		if fd, code = g.beneath(name, unix.O_WRONLY|unix.O_NONBLOCK, 0); code != 0 {
			return code
		}
		if _, code := g.same(fd, g.nodes.file(input.NodeId)); code != 0 {
			closeFD(fd)
			return code
		}
	}
	defer closeFD(fd)
	defer g.rights.Lower()()
	return errno(unix.Ftruncate(fd, size))
}

// subject opens what attributes are changed of.
func (g *Gate) subject(input *fuse.SetAttrIn, name string) (int, syscall.Errno) {
	want := g.nodes.file(input.NodeId)
	if name != "" {
		fd, code := g.beneath(name, unix.O_PATH, 0)
		var stat syscall.Stat_t
		if code == 0 && (!known(want) || syscall.Fstat(fd, &stat) == nil && identityOf(&stat) == want) {
			return fd, 0
		}
		if code == 0 {
			closeFD(fd)
		}
	}
	if fd := g.nodes.duplicate(input.NodeId, true); fd >= 0 { // who may write it was judged when it was opened
		return fd, 0
	}
	return -1, syscall.ESTALE
}

// setAttributes changes mode, owner and times.
func (g *Gate) setAttributes(fd int, input *fuse.SetAttrIn) syscall.Errno {
	defer g.rights.Lower()()
	if mode, ok := input.GetMode(); ok {
		if err := unix.Chmod(byDescriptor(fd), mode&0o1777); err != nil {
			return errno(err)
		}
	}
	uid, hasUID := input.GetUID()
	gid, hasGID := input.GetGID()
	if hasUID || hasGID {
		if err := unix.Fchownat(fd, "", ownerOrKeep(uid, hasUID), ownerOrKeep(gid, hasGID), unix.AT_EMPTY_PATH); err != nil {
			return errno(err)
		}
	}
	atime, hasAtime := input.GetATime()
	mtime, hasMtime := input.GetMTime()
	if hasAtime || hasMtime {
		times := []unix.Timespec{timeOrKeep(atime, hasAtime), timeOrKeep(mtime, hasMtime)}
		if err := unix.UtimesNanoAt(unix.AT_FDCWD, byDescriptor(fd), times, 0); err != nil {
			return errno(err)
		}
	}
	return 0
}

func attributeOperation(input *fuse.SetAttrIn) string {
	switch {
	case input.Valid&fuse.FATTR_SIZE != 0:
		return "truncate"
	case input.Valid&fuse.FATTR_MODE != 0:
		return "chmod"
	case input.Valid&(fuse.FATTR_UID|fuse.FATTR_GID) != 0:
		return "chown"
	}
	return "utimes"
}

func ownerOrKeep(id uint32, set bool) int {
	if !set {
		return -1
	}
	return int(id)
}

func timeOrKeep(at time.Time, set bool) unix.Timespec {
	if !set {
		return unix.Timespec{Nsec: unix.UTIME_OMIT}
	}
	return unix.Timespec{Sec: at.Unix(), Nsec: int64(at.Nanosecond())} // as nanoseconds alone it ends in 2262
}
