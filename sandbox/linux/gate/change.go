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
	if err := do(dir, base); err != nil {
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
	return g.made(child, out, func(dir int, base string) error {
		return unix.Mkdirat(dir, base, input.Mode&^input.Umask&0o777)
	})
}

// Mknod makes an empty file; devices, pipes and sockets are not served.
func (g *Gate) Mknod(done <-chan struct{}, input *fuse.MknodIn, name string, out *fuse.EntryOut) fuse.Status {
	child, code := g.change(done, &input.InHeader, name, "mknod")
	if code != 0 {
		return fuse.Status(code)
	}
	if input.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return fuse.EPERM
	}
	return g.made(child, out, func(dir int, base string) error {
		fd, err := unix.Openat(dir, base, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, input.Mode&^input.Umask&0o777)
		if err == nil {
			closeFD(fd)
		}
		return err
	})
}

// Symlink makes a link. Where it leads is judged when it is followed.
func (g *Gate) Symlink(done <-chan struct{}, header *fuse.InHeader, target, name string, out *fuse.EntryOut) fuse.Status {
	child, code := g.change(done, header, name, "symlink")
	if code != 0 {
		return fuse.Status(code)
	}
	return g.made(child, out, func(dir int, base string) error { return unix.Symlinkat(target, dir, base) })
}

// Link gives a file a second name. Both names must be writable.
func (g *Gate) Link(done <-chan struct{}, input *fuse.LinkIn, name string, out *fuse.EntryOut) fuse.Status {
	old := g.nodes.path(input.Oldnodeid)
	if code := g.permit(done, input.Pid, policy.ClassPathWrite, "link", old); code != 0 {
		return fuse.Status(code)
	}
	child, code := g.change(done, &input.InHeader, name, "link")
	if code != 0 {
		return fuse.Status(code)
	}
	oldDir, oldBase, code := g.inParent(old)
	if code != 0 {
		return fuse.Status(code)
	}
	defer closeFD(oldDir)
	return g.made(child, out, func(dir int, base string) error { return unix.Linkat(oldDir, oldBase, dir, base, 0) })
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
	if err := unix.Unlinkat(dir, base, flags); err != nil {
		return fuse.ToStatus(err)
	}
	g.nodes.gone(child)
	return fuse.OK
}

// Rename moves a file or folder. Both names must be writable, and nothing that
// is refused may move along with a folder.
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
	if g.holdsRefused(from) || g.holdsRefused(to) {
		return fuse.EBUSY
	}
	fromDir, fromBase, code := g.inParent(from)
	if code != 0 {
		return fuse.Status(code)
	}
	defer closeFD(fromDir)
	toDir, toBase, code := g.inParent(to)
	if code != 0 {
		return fuse.Status(code)
	}
	defer closeFD(toDir)
	if err := unix.Renameat2(fromDir, fromBase, toDir, toBase, uint(input.Flags)); err != nil {
		return fuse.ToStatus(err)
	}
	if input.Flags&unix.RENAME_EXCHANGE != 0 {
		g.nodes.swapped(from, to)
	} else {
		g.nodes.moved(from, to)
	}
	return fuse.OK
}

// holdsRefused reports whether a rule denies something below a path: moving
// the folder would give it another name.
func (g *Gate) holdsRefused(name string) bool {
	p := g.rules.Load().policy
	for i := range p.Paths {
		rule := &p.Paths[i]
		if rule.Effect != policy.Allow && (rule.Glob || len(rule.Path) > len(name) && rule.Path[:len(name)+1] == name+"/") {
			if !rule.Glob || g.isFolder(name) {
				return true
			}
		}
	}
	return false
}

func (g *Gate) isFolder(name string) bool {
	stat, code := g.stat(name)
	return code == 0 && stat.Mode&syscall.S_IFMT == syscall.S_IFDIR
}

// SetAttr changes mode, owner, size or times.
func (g *Gate) SetAttr(done <-chan struct{}, input *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	name := g.nodes.path(input.NodeId)
	if name == "" {
		return fuse.Status(syscall.ESTALE)
	}
	if code := g.permit(done, input.Pid, policy.ClassPathWrite, attributeOperation(input), name); code != 0 {
		return fuse.Status(code)
	}
	if g.open.Load() {
		return fuse.EACCES
	}
	if size, ok := input.GetSize(); ok {
		fd, code := g.beneath(name, unix.O_WRONLY|unix.O_NONBLOCK, 0)
		if code != 0 {
			return fuse.Status(code)
		}
		err := unix.Ftruncate(fd, int64(size))
		closeFD(fd)
		if err != nil {
			return fuse.ToStatus(err)
		}
	}
	fd, code := g.beneath(name, unix.O_PATH, 0)
	if code != 0 {
		return fuse.Status(code)
	}
	defer closeFD(fd)
	if mode, ok := input.GetMode(); ok {
		if err := unix.Chmod(byDescriptor(fd), mode&0o1777); err != nil {
			return fuse.ToStatus(err)
		}
	}
	uid, hasUID := input.GetUID()
	gid, hasGID := input.GetGID()
	if hasUID || hasGID {
		if err := unix.Fchownat(fd, "", ownerOrKeep(uid, hasUID), ownerOrKeep(gid, hasGID), unix.AT_EMPTY_PATH); err != nil {
			return fuse.ToStatus(err)
		}
	}
	atime, hasAtime := input.GetATime()
	mtime, hasMtime := input.GetMTime()
	if hasAtime || hasMtime {
		times := []unix.Timespec{timeOrKeep(atime, hasAtime), timeOrKeep(mtime, hasMtime)}
		if err := unix.UtimesNanoAt(unix.AT_FDCWD, byDescriptor(fd), times, 0); err != nil {
			return fuse.ToStatus(err)
		}
	}
	return fuse.Status(g.attributes(name, &out.Attr))
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
	return unix.NsecToTimespec(at.UnixNano())
}
