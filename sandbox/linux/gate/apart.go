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
// To forget a name, or what a file holds, the kernel waits for the operation that is under
// way there, which waits for an answer from here. If this process is killed meanwhile,
// nobody answers, and the kernel ends what waits for a device when its last descriptor
// is closed: never, while a thread that cannot be killed has one. Seen in one kill of five
// beside a program that makes and renames folders: what was left of both stayed until
// the machine was started again. So that thread has a table of descriptors of its own, in
// which the server's device is another of the same connection.
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
