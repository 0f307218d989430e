//go:build linux

package gate

import (
	"path"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"openclaw/sandbox/policy"
)

// fixedTimeout is how long the kernel may believe in a name that is always
// there. What may be read is asked again each time, so that another file of that
// name is seen at once.
const fixedTimeout = time.Hour

// veiledTimeout is how long it may believe in a name of what is refused. The
// name alone opens nothing: each operation is judged by its path and looks for
// the file anew. Without it a program that goes through refused folders asks here
// two or three times for each refusal.
const veiledTimeout = 100 * time.Millisecond

// thereTimeout is how long a refusal takes what it found under a name to be there
// still. It decides between two refusals, EACCES with a word to the person and
// ENOENT without; it opens nothing.
const thereTimeout = 5 * time.Millisecond

// String names the file system.
func (g *Gate) String() string { return "openclaw" }

// Forget takes look-ups back.
func (g *Gate) Forget(id, lookups uint64) { g.nodes.forget(id, lookups) }

// Lookup finds a name. It never refuses: what may be done with it is judged
// when it is done, with the whole path known.
func (g *Gate) Lookup(_ <-chan struct{}, header *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	child := g.nodes.child(header.NodeId, name)
	if child == "" {
		return fuse.ENOENT
	}
	code := g.entry(child, out)
	if code == 0 && out.Mode&syscall.S_IFMT == syscall.S_IFDIR {
		g.came(child, Found)
	}
	return fuse.Status(code)
}

// entry fills in what the kernel learns from a look-up.
func (g *Gate) entry(name string, out *fuse.EntryOut) syscall.Errno {
	began := time.Now()
	file, code := g.attributes(name, &out.Attr)
	if code != 0 {
		return code
	}
	_, fixed := g.fixed(name)
	fixed = fixed || g.held.has(name)
	switch {
	case fixed:
		out.SetEntryTimeout(fixedTimeout)
		file = identity{}
	case file == (identity{}) && !g.open.Load():
		out.SetEntryTimeout(veiledTimeout)
	}
	out.NodeId = g.nodes.remember(name, file)
	if !fixed {
		g.nodes.found(out.NodeId, began)
	}
	out.Generation = 1
	return 0
}

// attributes are the true ones of what may be read, and a veil otherwise. The
// identity is that of what is not veiled.
func (g *Gate) attributes(name string, out *fuse.Attr) (identity, syscall.Errno) {
	if entry, ok := g.fixed(name); ok {
		mode := uint32(syscall.S_IFDIR)
		switch entry {
		case "":
		case ".":
			mode = syscall.S_IFREG
		default:
			mode = syscall.S_IFLNK
		}
		veiled(name, out, mode)
		return identity{}, 0
	}
	stat, code := g.stat(name)
	if g.held.has(name) && (code != 0 || stat.Mode&syscall.S_IFMT != syscall.S_IFDIR) {
		veiled(name, out, syscall.S_IFDIR) // what is mounted there is seen, not this
		return identity{}, 0
	}
	if absent(code) {
		return identity{}, syscall.ENOENT
	}
	if code != 0 {
		return identity{}, code
	}
	if g.known(name) && !g.open.Load() {
		g.plain(name, &stat, out)
		return identityOf(&stat), 0
	}
	veiled(name, out, stat.Mode)
	return identity{}, 0
}

// plain are the attributes of a file that may be seen.
func (g *Gate) plain(name string, stat *syscall.Stat_t, out *fuse.Attr) {
	out.FromStat(stat)
	out.Ino = g.devices.number(identityOf(stat))
	if out.Uid != g.uid || out.Gid != g.gid {
		g.owned(name, out)
	}
}

// GetAttr answers stat. Folders that lead to something allowed may be looked at.
func (g *Gate) GetAttr(done <-chan struct{}, input *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	if input.Flags()&fuse.FUSE_GETATTR_FH != 0 {
		if file := g.handles.get(input.Fh()); file != nil {
			return g.opened(file.fd, out)
		}
	}
	if input.NodeId == fuse.FUSE_ROOT_ID { // only the first process comes to it: see again
		veiled("/", &out.Attr, syscall.S_IFDIR)
		return fuse.OK
	}
	name := g.nodes.path(input.NodeId)
	if name == "" {
		return g.nameless(input.NodeId, out)
	}
	if code := g.look(done, &input.InHeader, "stat", name); code != 0 {
		return fuse.Status(code)
	}
	file, code := g.attributes(name, &out.Attr)
	if was := g.nodes.file(input.NodeId); code == 0 && known(was) && was != file && !g.held.has(name) {
		return g.nameless(input.NodeId, out) // another file has the name now
	}
	return fuse.Status(code)
}

// opened are the attributes of an open file.
func (g *Gate) opened(fd int, out *fuse.AttrOut) fuse.Status {
	var stat syscall.Stat_t
	if err := syscall.Fstat(fd, &stat); err != nil {
		return fuse.ToStatus(err)
	}
	out.FromStat(&stat)
	out.Ino, out.Uid, out.Gid = g.devices.number(identityOf(&stat)), g.uid, g.gid
	return fuse.OK
}

// nameless are the attributes of a file whose name is gone, but which somebody
// has open.
func (g *Gate) nameless(id uint64, out *fuse.AttrOut) fuse.Status {
	fd := g.nodes.duplicate(id, false)
	if fd < 0 {
		return fuse.Status(syscall.ESTALE)
	}
	defer closeFD(fd)
	return g.opened(fd, out)
}

// look permits what only looks at a path: folders that lead on are open to it,
// and names that are always there have no more to show than their kind.
func (g *Gate) look(done <-chan struct{}, header *fuse.InHeader, operation, name string) syscall.Errno {
	if g.open.Load() {
		return 0
	}
	if g.rules.Load().skeleton(name) {
		return 0
	}
	if _, ok := g.fixed(name); ok && operation == "stat" {
		return 0
	}
	if code := g.exists(header.NodeId, name); code != 0 {
		return code
	}
	if operation == "stat" && g.programClass(name) == policy.ClassExec && !g.isFolder(name) {
		return 0 // the kernel looks before it runs it; it sees a veil, as a look-up does
	}
	return g.permit(done, header.Pid, policy.ClassPathRead, operation, name)
}

// Shown reports whether a process may look at what is under a name: it leads to
// something allowed, is always there, or may be read.
func (g *Gate) Shown(by Process, name string) bool {
	if _, ok := g.fixed(name); ok || g.rules.Load().skeleton(name) {
		return true
	}
	decision := g.rules.Load().policy.Decide(policy.Request{Class: policy.ClassPathRead, Path: name})
	return decision.Effect == policy.Allow || decision.Effect == policy.Ask && g.granted.seen(by, policy.ClassPathRead, name)
}

// exists keeps what went away since its look-up from counting as refused. What was
// there a moment ago is taken to be: to look costs more than all else of a refusal.
func (g *Gate) exists(id uint64, name string) syscall.Errno {
	now := time.Now()
	if g.nodes.there(id, now) {
		return 0
	}
	fd, code := g.beneath(name, unix.O_PATH, 0)
	switch {
	case absent(code):
		return syscall.ENOENT
	case code == 0:
		closeFD(fd)
		g.nodes.found(id, now)
	}
	return 0
}

// Readlink answers the text of a link.
func (g *Gate) Readlink(done <-chan struct{}, header *fuse.InHeader) ([]byte, fuse.Status) {
	name := g.nodes.path(header.NodeId)
	if name == "" {
		return nil, fuse.Status(syscall.ESTALE)
	}
	if entry, ok := g.fixed(name); ok && entry != "" && entry != "." {
		return []byte(entry), fuse.OK
	}
	target, code := g.readlink(name)
	if code != 0 {
		return nil, fuse.Status(code)
	}
	if !g.open.Load() && !g.public(header.Pid, path.Dir(name), target) {
		if code := g.permit(done, header.Pid, policy.ClassPathRead, "readlink", name); code != 0 {
			return nil, fuse.Status(code)
		}
	}
	return []byte(target), fuse.OK
}

// Access answers access(2) and chdir(2).
func (g *Gate) Access(done <-chan struct{}, input *fuse.AccessIn) fuse.Status {
	name := g.nodes.path(input.NodeId)
	if name == "" {
		return fuse.Status(syscall.ESTALE)
	}
	if g.open.Load() {
		return fuse.OK
	}
	var code syscall.Errno
	if input.Mask&fuse.W_OK != 0 {
		code = g.permit(done, input.Pid, policy.ClassPathWrite, "access", name)
	} else {
		code = g.look(done, &input.InHeader, "access", name)
	}
	if code == 0 && g.known(name) {
		code = g.modeLets(name, input.Mask)
	}
	return fuse.Status(code)
}

// modeLets answers for the mode of a file: the kernel asks for all of it when a program asks
// what it may do (access, chdir), and test -x shall not say that any file can be run.
func (g *Gate) modeLets(name string, mask uint32) syscall.Errno {
	fd, code := g.beneath(name, unix.O_PATH, 0)
	if code != 0 {
		return code
	}
	defer closeFD(fd)
	defer g.rights.Lower()()
	return errno(unix.Faccessat(unix.AT_FDCWD, byDescriptor(fd), mask&(fuse.R_OK|fuse.W_OK|fuse.X_OK), unix.AT_EACCESS))
}

// StatFs answers for the file system of what may be read, and nothing of
// another.
func (g *Gate) StatFs(_ <-chan struct{}, header *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	out.Bsize, out.Frsize, out.NameLen = 4096, 4096, 255
	name := g.nodes.path(header.NodeId)
	if name == "" || g.open.Load() {
		return fuse.OK
	}
	if _, ok := g.allowed(header.Pid, policy.ClassPathRead, name); !ok {
		return fuse.OK
	}
	fd, code := g.beneath(name, unix.O_PATH, 0)
	if code != 0 {
		return fuse.OK
	}
	defer closeFD(fd)
	var stat syscall.Statfs_t
	if err := syscall.Fstatfs(fd, &stat); err == nil {
		out.FromStatfsT(&stat)
	}
	return fuse.OK
}
