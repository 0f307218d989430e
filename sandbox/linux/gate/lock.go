//go:build linux

package gate

import (
	"errors"
	"sync"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"openclaw/sandbox/policy"
)

// locks are the POSIX record locks of the cage's processes, so that they hold
// against the host's and other cages'. Linux's own are one process's, and here
// one process serves many; so each owner's are put on an open file description
// of its own (F_OFD_SETLK, fcntl(2)). A flock(2) lock belongs to an open file
// and is put on the handle.
type locks struct {
	mu   sync.Mutex
	open map[lockOwner]lockFile
}

// lockFile is an owner's own opening, and the handle that it came by.
type lockFile struct {
	fd     int
	handle uint64
}

type lockOwner struct{ node, owner uint64 }

// lockPause is how long a program waits between two tries of a lock that
// another one has. Waiting in the kernel would hold a thread for each.
const lockPause = 20 * time.Millisecond

func newLocks() *locks { return &locks{open: map[lockOwner]lockFile{}} }

// descriptor is the owner's own opening of a file, made when it is first asked
// for.
func (l *locks) descriptor(g *Gate, input *fuse.LkIn, file *handle) (int, syscall.Errno) {
	who := lockOwner{input.NodeId, input.Owner}
	l.mu.Lock()
	defer l.mu.Unlock()
	if known, ok := l.open[who]; ok {
		return known.fd, 0
	}
	if len(l.open) >= maxHandles {
		return -1, syscall.ENOLCK
	}
	flags, err := unix.FcntlInt(uintptr(file.fd), unix.F_GETFL, 0)
	if err != nil {
		return -1, errno(err)
	}
	defer g.rights.Lower()()
	fd, err := unix.Open(byDescriptor(file.fd), flags&unix.O_ACCMODE|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, errno(err)
	}
	l.open[who] = lockFile{fd, input.Fh}
	return fd, 0
}

// drop gives all locks of an owner on a file back.
func (l *locks) drop(who lockOwner) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known, ok := l.open[who]; ok {
		closeFD(known.fd)
		delete(l.open, who)
	}
}

// dropHandle gives back what is left when an open file is closed for the last
// time: the locks of the open file itself (F_OFD_SETLK), of which no close tells.
func (l *locks) dropHandle(number uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for who, known := range l.open {
		if known.handle == number {
			closeFD(known.fd)
			delete(l.open, who)
		}
	}
}

func (l *locks) closeAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for who, known := range l.open {
		closeFD(known.fd)
		delete(l.open, who)
	}
}

// GetLk says who holds a lock.
func (g *Gate) GetLk(_ <-chan struct{}, input *fuse.LkIn, out *fuse.LkOut) fuse.Status {
	file := g.handles.get(input.Fh)
	if file == nil {
		return fuse.EBADF
	}
	fd, code := g.locks.descriptor(g, input, file)
	if code != 0 {
		return fuse.Status(code)
	}
	lock := recordLock(input)
	if err := unix.FcntlFlock(uintptr(fd), unix.F_OFD_GETLK, &lock); err != nil {
		return fuse.ToStatus(err)
	}
	out.Lk = input.Lk
	out.Lk.Typ, out.Lk.Pid = uint32(uint16(lock.Type)), 0 // a holder outside has no number in the cage
	if lock.Type != unix.F_UNLCK {
		out.Lk.Start, out.Lk.End = uint64(lock.Start), uint64(1<<63-1)
		if lock.Len != 0 {
			out.Lk.End = uint64(lock.Start + lock.Len - 1)
		}
	}
	return fuse.OK
}

// SetLk takes or gives back a lock.
func (g *Gate) SetLk(_ <-chan struct{}, input *fuse.LkIn) fuse.Status {
	return fuse.Status(g.lock(input))
}

// SetLkw waits for a lock, at most until the program is interrupted.
func (g *Gate) SetLkw(done <-chan struct{}, input *fuse.LkIn) fuse.Status {
	for {
		code := g.lock(input)
		if code != syscall.EAGAIN && code != syscall.EACCES {
			return fuse.Status(code)
		}
		select {
		case <-done:
			return fuse.EINTR
		case <-time.After(lockPause):
		}
	}
}

func (g *Gate) lock(input *fuse.LkIn) syscall.Errno {
	file := g.handles.get(input.Fh)
	if file == nil {
		return syscall.EBADF
	}
	if input.Lk.Typ != unix.F_UNLCK && !g.still(input.NodeId, policy.ClassPathRead, file.covers(policy.ClassPathRead)) {
		return syscall.EPERM // EACCES would say that another one has it
	}
	if input.LkFlags&fuse.FUSE_LK_FLOCK != 0 {
		how := map[uint32]int{unix.F_RDLCK: unix.LOCK_SH, unix.F_WRLCK: unix.LOCK_EX, unix.F_UNLCK: unix.LOCK_UN}[input.Lk.Typ]
		return errno(retry(func() error { return unix.Flock(file.fd, how|unix.LOCK_NB) }))
	}
	fd, code := g.locks.descriptor(g, input, file)
	if code != 0 {
		return code
	}
	lock := recordLock(input)
	return errno(retry(func() error { return unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLK, &lock) }))
}

func recordLock(input *fuse.LkIn) unix.Flock_t {
	lock := unix.Flock_t{Type: int16(input.Lk.Typ), Whence: unix.SEEK_SET, Start: int64(input.Lk.Start)}
	if input.Lk.End < 1<<63-1 {
		lock.Len = int64(input.Lk.End-input.Lk.Start) + 1
	}
	return lock
}

func retry(do func() error) error {
	for {
		if err := do(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
