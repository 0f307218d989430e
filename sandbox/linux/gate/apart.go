//go:build linux

package gate

import (
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/harden"
)

// apart tells the kernel something that it may have to wait for, on a thread that does not
// have the device of the server open, and returns when that is done.
//
// To forget what a file holds, the kernel waits for what is under way there, which waits for
// an answer from here. If this process is killed meanwhile, nobody answers, and the kernel
// ends what waits for a device when that is closed: never, while a thread that cannot be
// killed has it. So that thread has a table of descriptors of its own, in which the server's
// device is another of the same connection. Then what was read by the first one ends; what
// nobody has read yet, a page that is read ahead or written back, does not, and the kernel
// waits on if it is of a page that it has to forget. Options.LookAgain has no such gap.
func (g *Gate) apart(tell func(server *fuse.Server)) {
	server := g.server.Load()
	if server == nil {
		return
	}
	done := make(chan struct{})
	harden.OwnThread(func() {
		defer close(done)
		if unix.Unshare(unix.CLONE_FILES) == nil {
			_ = unix.Dup3(g.devices[1], g.devices[0], unix.O_CLOEXEC)
		}
		tell(server) // also if that failed, for want of memory: the cage would see what is not there
	})
	<-done
}
