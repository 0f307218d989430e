//go:build linux

package gate

import (
	"strings"
	"syscall"
	"time"

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
	if code := g.exists(input.NodeId, name); code != 0 {
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
		return g.denied(done, name, code)
	}
	fd, code := g.beneath(name, uint64(input.Flags&openFlags)|syscall.O_NONBLOCK, 0)
	if code != 0 {
		return fuse.Status(code)
	}
	file := newHandle(fd, input.Flags, class)
	file.runs = operation == "execve"
	stat, code := g.same(fd, g.nodes.file(input.NodeId))
	if code != 0 {
		closeFD(fd)
		return fuse.Status(code)
	}
	file.by, file.asked = g.useGrant(input.Pid, class, name)
	if out.Fh, code = g.handles.add(file); code != 0 {
		g.ungrant(file)
		return fuse.Status(code)
	}
	g.nodes.opened(input.NodeId, name, file)
	if operation == "execve" && g.nodes.unchanged(input.NodeId, stampOf(&stat), time.Now()) && tellsChanges(fd) {
		out.OpenFlags |= fuse.FOPEN_KEEP_CACHE // otherwise the kernel reads all of the program again
	}
	return fuse.OK
}

// denied is the answer to an open that was refused, once no other way leads to the file.
func (g *Gate) denied(done <-chan struct{}, name string, code syscall.Errno) fuse.Status {
	decision := g.rules.Load().policy.Decide(policy.Request{Class: policy.ClassPathRead, Path: name})
	if g.options.Denied == nil || decision.Effect != policy.Deny || g.expected(name) {
		return fuse.Status(code)
	}
	if !g.options.Denied(done, name) {
		return fuse.EINTR // there may be one still
	}
	return fuse.Status(code)
}

func newHandle(fd int, flags uint32, class policy.Class) *handle {
	return &handle{fd: fd, class: class, writes: flags&syscall.O_ACCMODE != syscall.O_RDONLY, appends: flags&syscall.O_APPEND != 0}
}

// same refuses what is no file (a pipe would make the reader wait here), and a
// file that has taken another's name since the look-up: the kernel then looks
// again.
func (g *Gate) same(fd int, known identity) (stat syscall.Stat_t, code syscall.Errno) {
	switch err := syscall.Fstat(fd, &stat); {
	case err != nil:
		return stat, errno(err)
	case stat.Mode&syscall.S_IFMT != syscall.S_IFREG:
		return stat, syscall.EACCES
	case known != (identity{}) && known != identityOf(&stat):
		return stat, syscall.ESTALE
	}
	return stat, 0
}

// Create makes a file that the policy allows.
func (g *Gate) Create(done <-chan struct{}, input *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	if input.NodeId == fuse.FUSE_ROOT_ID && strings.HasPrefix(name, againPrefix) {
		return g.openAgain(name, out)
	}
	child, code := g.change(done, &input.InHeader, name, "create")
	if code != 0 {
		return fuse.Status(code)
	}
	flags := uint64(input.Flags&(openFlags|syscall.O_EXCL)) | syscall.O_CREAT | syscall.O_NONBLOCK
	mode := input.Mode &^ input.Umask & 0o777
	fd, code := g.beneath(child, flags, mode)
	if code != 0 {
		return fuse.Status(code)
	}
	g.unmask(fd, mode)
	if _, code := g.same(fd, identity{}); code != 0 {
		closeFD(fd)
		return fuse.Status(code)
	}
	if code := g.entry(child, &out.EntryOut); code != 0 {
		closeFD(fd)
		return fuse.Status(code)
	}
	file := newHandle(fd, input.Flags, policy.ClassPathWrite)
	file.by, file.asked = g.useGrant(input.Pid, policy.ClassPathWrite, child)
	if out.Fh, code = g.handles.add(file); code != 0 {
		g.ungrant(file)
		return fuse.Status(code)
	}
	g.nodes.opened(out.NodeId, child, file)
	return fuse.OK
}

// unmask gives what was just made the bits that only this process's own mask
// took off.
func (g *Gate) unmask(fd int, mode uint32) {
	if mode&g.mask == 0 {
		return
	}
	defer g.rights.Lower()()
	var stat unix.Stat_t
	if unix.Fstat(fd, &stat) == nil && stat.Size == 0 && stat.Mode&0o777 == mode&^g.mask {
		_ = unix.Chmod(byDescriptor(fd), mode|stat.Mode&(unix.S_ISGID|unix.S_ISVTX))
	}
}

// still reports whether the policy allows what a file was opened for, which was
// judged then. Of one whose name is gone, or another's by now, the last name counts.
// asked says that it was opened by a yes: whoever has it got it from who had that.
func (g *Gate) still(id uint64, class policy.Class, asked bool) bool {
	effect := g.rules.Load().policy.Decide(policy.Request{Class: class, Path: g.nodes.called(id)}).Effect
	return effect == policy.Allow || effect == policy.Ask && asked
}

// Read reads an open file, as long as the policy still allows it.
func (g *Gate) Read(_ <-chan struct{}, input *fuse.ReadIn, buffer []byte) (fuse.ReadResult, fuse.Status) {
	file := g.handles.get(input.Fh)
	if file == nil {
		return nil, fuse.EBADF
	}
	if !g.still(input.NodeId, file.class, file.asked != "") {
		return nil, fuse.EACCES
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
	if !g.still(input.NodeId, policy.ClassPathWrite, file.covers(policy.ClassPathWrite)) {
		return 0, fuse.EACCES
	}
	room, code := g.room(file, int64(input.Offset), int64(len(data)))
	if code == syscall.EFBIG {
		return 0, fuse.Status(g.tooLarge(input.Pid, "write", g.nodes.path(input.NodeId)))
	}
	if code != 0 {
		return 0, fuse.Status(code)
	}
	defer g.rights.Lower()()
	n, err := unix.Pwrite(file.fd, data[:room], int64(input.Offset))
	if err != nil {
		return 0, fuse.ToStatus(err)
	}
	return uint32(n), fuse.OK
}

// Flush reports the errors of a close, and ends the closer's record locks, as
// every close of a file does.
func (g *Gate) Flush(_ <-chan struct{}, input *fuse.FlushIn) fuse.Status {
	g.locks.drop(lockOwner{input.NodeId, input.LockOwner})
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

// Fallocate reserves space, or gives it back, as long as the policy still allows
// to write.
func (g *Gate) Fallocate(_ <-chan struct{}, input *fuse.FallocateIn) fuse.Status {
	file := g.handles.get(input.Fh)
	if file == nil {
		return fuse.EBADF
	}
	if !g.still(input.NodeId, policy.ClassPathWrite, file.covers(policy.ClassPathWrite)) {
		return fuse.EACCES
	}
	punches := input.Mode&unix.FALLOC_FL_PUNCH_HOLE != 0 // it makes nothing larger
	if end := input.Offset + input.Length; !punches && (g.passes(end) || end < input.Offset) {
		return fuse.Status(g.tooLarge(input.Pid, "allocate", g.nodes.path(input.NodeId)))
	}
	defer g.rights.Lower()()
	return fuse.ToStatus(unix.Fallocate(file.fd, input.Mode, int64(input.Offset), int64(input.Length)))
}

// Lseek finds data and holes.
func (g *Gate) Lseek(_ <-chan struct{}, input *fuse.LseekIn, out *fuse.LseekOut) fuse.Status {
	file := g.handles.get(input.Fh)
	if file == nil {
		return fuse.EBADF
	}
	at, err := unix.Seek(file.fd, int64(input.Offset), int(input.Whence))
	out.Offset = uint64(at)
	return fuse.ToStatus(err)
}

// Release closes a file.
func (g *Gate) Release(_ <-chan struct{}, input *fuse.ReleaseIn) { g.release(input.Fh) }
