//go:build linux

package gate

import (
	"errors"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"openclaw/sandbox/policy"
)

// openForExec is the kernel's mark on an open that is part of execve
// (FMODE_EXEC, include/linux/fs.h).
const openForExec = 0x20

// openFlags are the flags that reach the host's open.
const openFlags = syscall.O_ACCMODE | syscall.O_APPEND | syscall.O_TRUNC | syscall.O_NONBLOCK | syscall.O_DSYNC | syscall.O_SYNC

// Open opens a file that the policy allows.
func (g *Gate) Open(done <-chan struct{}, input *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	name := g.nodes.path(input.NodeId)
	if name == "" {
		return fuse.Status(syscall.ESTALE)
	}
	if g.open.Load() {
		return fuse.EACCES
	}
	if code := g.exists(name); code != 0 {
		return fuse.Status(code)
	}
	class, operation := policy.ClassPathRead, "open"
	switch {
	case input.Flags&syscall.O_ACCMODE != syscall.O_RDONLY || input.Flags&syscall.O_TRUNC != 0:
		class = policy.ClassPathWrite
	case input.Flags&openForExec != 0:
		operation = "execve"
		class = g.programClass(name)
	}
	if code := g.permit(done, input.Pid, class, operation, name); code != 0 {
		return fuse.Status(code)
	}
	fd, code := g.beneath(name, uint64(input.Flags&openFlags), 0)
	if code != 0 {
		return fuse.Status(code)
	}
	out.Fh = g.handles.add(&handle{fd: fd, asked: g.useGrant(class, name)})
	return fuse.OK
}

// Create makes a file that the policy allows.
func (g *Gate) Create(done <-chan struct{}, input *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	child, code := g.change(done, &input.InHeader, name, "create")
	if code != 0 {
		return fuse.Status(code)
	}
	flags := uint64(input.Flags&(openFlags|syscall.O_EXCL)) | syscall.O_CREAT
	fd, code := g.beneath(child, flags, input.Mode&^input.Umask&0o777)
	if code != 0 {
		return fuse.Status(code)
	}
	if code := g.entry(child, &out.EntryOut); code != 0 {
		closeFD(fd)
		return fuse.Status(code)
	}
	out.Fh = g.handles.add(&handle{fd: fd, asked: g.useGrant(policy.ClassPathWrite, child)})
	return fuse.OK
}

// Read reads an open file.
func (g *Gate) Read(_ <-chan struct{}, input *fuse.ReadIn, buffer []byte) (fuse.ReadResult, fuse.Status) {
	file := g.handles.get(input.Fh)
	if file == nil {
		return nil, fuse.EBADF
	}
	n, err := unix.Pread(file.fd, buffer, int64(input.Offset))
	if err != nil {
		return nil, fuse.ToStatus(err)
	}
	return fuse.ReadResultData(buffer[:n]), fuse.OK
}

// Write writes to an open file, as long as the policy still allows it.
func (g *Gate) Write(_ <-chan struct{}, input *fuse.WriteIn, data []byte) (uint32, fuse.Status) {
	file := g.handles.get(input.Fh)
	if file == nil {
		return 0, fuse.EBADF
	}
	if name := g.nodes.path(input.NodeId); name != "" {
		if _, ok := g.allowed(policy.ClassPathWrite, name); !ok {
			return 0, fuse.EACCES
		}
	}
	n, err := unix.Pwrite(file.fd, data, int64(input.Offset))
	if err != nil {
		return 0, fuse.ToStatus(err)
	}
	return uint32(n), fuse.OK
}

// Flush reports the errors of a close.
func (g *Gate) Flush(_ <-chan struct{}, input *fuse.FlushIn) fuse.Status {
	file := g.handles.get(input.Fh)
	if file == nil {
		return fuse.OK
	}
	fd, err := unix.Dup(file.fd)
	if err != nil {
		return fuse.ToStatus(err)
	}
	return fuse.ToStatus(unix.Close(fd))
}

// Fsync makes what was written durable.
func (g *Gate) Fsync(_ <-chan struct{}, input *fuse.FsyncIn) fuse.Status {
	file := g.handles.get(input.Fh)
	if file == nil {
		return fuse.EBADF
	}
	return fuse.ToStatus(unix.Fsync(file.fd))
}

// Fallocate reserves space.
func (g *Gate) Fallocate(_ <-chan struct{}, input *fuse.FallocateIn) fuse.Status {
	file := g.handles.get(input.Fh)
	if file == nil {
		return fuse.EBADF
	}
	return fuse.ToStatus(unix.Fallocate(file.fd, input.Mode, int64(input.Offset), int64(input.Length)))
}

// Release closes a file.
func (g *Gate) Release(_ <-chan struct{}, input *fuse.ReleaseIn) { g.release(input.Fh) }

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
	current := g.rules.Load()
	readable := g.listable(name)
	if (!readable || g.asksAgain(name)) && !current.skeleton(name) {
		if code := g.look(done, input.Pid, "opendir", name); code != 0 {
			return fuse.Status(code)
		}
		readable = g.listable(name)
	}
	asked := ""
	entries := []fuse.DirEntry{{Name: ".", Mode: syscall.S_IFDIR}, {Name: "..", Mode: syscall.S_IFDIR}}
	if readable {
		asked = g.useGrant(policy.ClassPathRead, name)
		all, code := g.list(name, asked != "")
		if code != 0 {
			if asked != "" {
				g.granted.closed(asked)
			}
			return fuse.Status(code)
		}
		entries = append(entries, all...)
	} else {
		for _, base := range current.shown[name] {
			child := name + "/" + base
			if name == "/" {
				child = "/" + base
			}
			var attr fuse.Attr
			if g.attributes(child, &attr) == 0 {
				entries = append(entries, fuse.DirEntry{Name: base, Mode: attr.Mode & syscall.S_IFMT})
			}
		}
	}
	out.Fh = g.handles.add(&handle{fd: -1, entries: entries, asked: asked})
	return fuse.OK
}

// list reads a folder of the host, without the names that are refused. Of a
// folder that was asked for it shows what would be asked for as well.
func (g *Gate) list(name string, asked bool) ([]fuse.DirEntry, syscall.Errno) {
	fd, code := g.beneath(name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if code != 0 {
		return nil, code
	}
	defer closeFD(fd)
	var entries []fuse.DirEntry
	buffer := make([]byte, 64<<10)
	for {
		n, err := unix.Getdents(fd, buffer)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, errno(err)
		}
		if n <= 0 {
			return entries, 0
		}
		for rest := buffer[:n]; len(rest) > 0; {
			var entry fuse.DirEntry
			used := entry.Parse(rest)
			if used <= 0 {
				return nil, syscall.EIO
			}
			rest = rest[used:]
			if entry.Name == "." || entry.Name == ".." {
				continue
			}
			if decision, ok := g.allowed(policy.ClassPathRead, name+"/"+entry.Name); ok || asked && decision.Effect == policy.Ask {
				entry.Off = 0
				entries = append(entries, entry)
			}
		}
	}
}

// ReadDir hands out a listing.
func (g *Gate) ReadDir(_ <-chan struct{}, input *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	entries := g.handles.listing(input.Fh)
	for i := input.Offset; i < uint64(len(entries)); i++ {
		entry := entries[i]
		entry.Off = i + 1
		if !out.AddDirEntry(entry) {
			break
		}
	}
	return fuse.OK
}

// ReleaseDir forgets a listing.
func (g *Gate) ReleaseDir(input *fuse.ReleaseIn) { g.release(input.Fh) }

// FsyncDir has nothing to do.
func (g *Gate) FsyncDir(<-chan struct{}, *fuse.FsyncIn) fuse.Status { return fuse.OK }
