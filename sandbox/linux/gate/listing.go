//go:build linux

package gate

import (
	"errors"
	"syscall"
	"unsafe"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"openclaw/sandbox/policy"
)

// maxListed bounds the memory of the listings that a cage holds open, in bytes: a
// million names of an ordinary length. Past it listing a folder answers ENOMEM.
const maxListed = 64 << 20

// sizeOf is what an entry of a listing takes.
func sizeOf(entry fuse.DirEntry) int64 { return int64(unsafe.Sizeof(entry)) + int64(len(entry.Name)) }

// take counts memory of a listing, if there is so much; give counts it back.
func (h *handles) take(size int64) bool {
	if h.listed.Add(size) <= h.most {
		return true
	}
	h.give(size)
	return false
}

func (h *handles) give(size int64) { h.listed.Add(-size) }

// relist replaces the entries of a listing, whose lock is held.
func (h *handles) relist(listing *handle, entries []fuse.DirEntry, taken int64) {
	h.give(listing.taken)
	listing.entries, listing.taken = entries, taken
}

// OpenDir lists a folder: all of one that the policy allows, and of one that
// only leads on, what it leads to.
func (g *Gate) OpenDir(done <-chan struct{}, input *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	name := g.nodes.path(input.NodeId)
	if name == "" {
		return fuse.Status(syscall.ESTALE)
	}
	if g.open.Load() {
		return fuse.EACCES
	}
	readable := g.listable(input.Pid, name)
	if (!readable || g.asksAgain(name)) && !g.rules.Load().skeleton(name) {
		if code := g.look(done, &input.InHeader, "opendir", name); code != 0 {
			return fuse.Status(code)
		}
		readable = true
	}
	file := &handle{fd: -1, class: policy.ClassPathRead}
	if readable {
		file.by, file.asked = g.useGrant(input.Pid, policy.ClassPathRead, name)
	}
	var code syscall.Errno
	if file.entries, file.taken, code = g.entries(input.Pid, name, readable, file.asked != "", Listed); code == 0 {
		out.Fh, code = g.handles.add(file)
	}
	if code != 0 {
		g.ungrant(file)
		return fuse.Status(code)
	}
	return fuse.OK
}

// entries are what a folder shows, and what they take of maxListed. The folders in it are
// not Listed for a caller whom the kernel lets nobody change a name in it for meanwhile.
func (g *Gate) entries(thread uint32, name string, readable, asked bool, how Came) (entries []fuse.DirEntry, taken int64, code syscall.Errno) {
	entries = []fuse.DirEntry{{Name: ".", Mode: syscall.S_IFDIR}, {Name: "..", Mode: syscall.S_IFDIR}}
	if readable {
		all, taken, code := g.list(thread, name, asked)
		if code != 0 {
			return nil, 0, code
		}
		for _, entry := range all {
			if entry.Mode == syscall.S_IFDIR {
				g.came(joined(name, entry.Name), how)
			}
		}
		return append(entries, all...), taken, 0
	}
	for _, base := range g.rules.Load().shown[name] {
		var attr fuse.Attr
		if _, code := g.attributes(joined(name, base), &attr); code == 0 {
			entries = append(entries, fuse.DirEntry{Name: base, Ino: attr.Ino, Mode: attr.Mode & syscall.S_IFMT})
		}
	}
	return entries, 0, 0
}

func joined(dir, name string) string {
	if dir == "/" {
		return "/" + name
	}
	return dir + "/" + name
}

// list reads a folder of the host, without the names that are refused. Of a
// folder that was asked for it shows what would be asked for as well.
func (g *Gate) list(thread uint32, name string, asked bool) (entries []fuse.DirEntry, taken int64, code syscall.Errno) {
	fd, code := g.beneath(name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if code != 0 {
		return nil, 0, code
	}
	defer closeFD(fd)
	failed := func(code syscall.Errno) ([]fuse.DirEntry, int64, syscall.Errno) {
		g.handles.give(taken)
		return nil, 0, code
	}
	var folder syscall.Stat_t
	if err := syscall.Fstat(fd, &folder); err != nil {
		return failed(errno(err))
	}
	buffer := make([]byte, 64<<10)
	for {
		n, err := unix.Getdents(fd, buffer)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return failed(errno(err))
		}
		if n <= 0 {
			return entries, taken, 0
		}
		for rest := buffer[:n]; len(rest) > 0; {
			var entry fuse.DirEntry
			used := entry.Parse(rest)
			if used <= 0 {
				return failed(syscall.EIO)
			}
			rest = rest[used:]
			if entry.Name == "." || entry.Name == ".." {
				continue
			}
			if decision, ok := g.allowed(thread, policy.ClassPathRead, joined(name, entry.Name)); ok || asked && decision.Effect == policy.Ask {
				size := sizeOf(entry)
				if !g.handles.take(size) {
					return failed(syscall.ENOMEM)
				}
				taken += size
				entry.Off, entry.Ino = 0, g.devices.number(identity{folder.Dev, entry.Ino})
				entries = append(entries, entry)
			}
		}
	}
}

// ReadDir hands out a listing. One that is read again from the start is made
// anew.
func (g *Gate) ReadDir(_ <-chan struct{}, input *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	file := g.handles.any(input.Fh)
	if file == nil {
		return fuse.EBADF
	}
	file.mu.Lock()
	defer file.mu.Unlock()
	if name := g.nodes.path(input.NodeId); input.Offset == 0 && file.read && name != "" {
		readable := g.still(input.NodeId, policy.ClassPathRead, file.asked != "") || g.listable(input.Pid, name)
		if again, taken, code := g.entries(input.Pid, name, readable, file.asked != "", Found); code == 0 {
			g.handles.relist(file, again, taken)
		}
	}
	file.read = true
	for i := input.Offset; i < uint64(len(file.entries)); i++ {
		entry := file.entries[i]
		entry.Off = i + 1
		if !out.AddDirEntry(entry) {
			break
		}
	}
	return fuse.OK
}

// ReleaseDir forgets a listing.
func (g *Gate) ReleaseDir(input *fuse.ReleaseIn) { g.release(input.Fh) }

// FsyncDir makes names durable.
func (g *Gate) FsyncDir(_ <-chan struct{}, input *fuse.FsyncIn) fuse.Status {
	name := g.nodes.path(input.NodeId)
	if _, ok := g.allowed(input.Pid, policy.ClassPathRead, name); !ok {
		return fuse.OK
	}
	fd, code := g.beneath(name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if code != 0 {
		return fuse.OK // gone, or nothing that this user may read
	}
	defer closeFD(fd)
	return fuse.ToStatus(unix.Fsync(fd))
}
