//go:build linux

package gate

import (
	"path"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"openclaw/sandbox/policy"
)

// chooses reports whether a symbolic link at a name would choose what a rule opens: the
// rule is of that very name, and not of the folder that it is in. Where nothing has the
// name, or the host takes it away, the cage may give it; and the next cage, and the next
// change of the policy, open what a link there leads to, as they do for a person's own.
// In a folder that an agent may write they do not.
func (g *Gate) chooses(name string) bool {
	return g.writable(name) && !g.writable(path.Dir(name))
}

func (g *Gate) refuseLink(thread uint32, operation, name string) syscall.Errno {
	return g.refuse(nil, thread, policy.ClassPathWrite, operation, name, policy.Decision{
		Effect: policy.Deny, Rule: "a link in the place of an allowed path would choose what is opened: make the file or folder itself",
		Origin: policy.Origin{BuiltIn: "what a path opens is not for the agent to choose"},
	})
}

func (g *Gate) isLink(name string) bool {
	stat, code := g.stat(name)
	return code == 0 && stat.Mode&syscall.S_IFMT == syscall.S_IFLNK
}

// landed takes a symbolic link away that has come to a name where it chooses.
func (g *Gate) landed(dir int, base, name string) bool {
	var stat unix.Stat_t
	if !g.chooses(name) || unix.Fstatat(dir, base, &stat, unix.AT_SYMLINK_NOFOLLOW) != nil || stat.Mode&unix.S_IFMT != unix.S_IFLNK {
		return false
	}
	_ = unix.Unlinkat(dir, base, 0)
	g.nodes.gone(name)
	return true
}

// Symlink makes a link. Where it leads is judged when it is followed.
func (g *Gate) Symlink(done <-chan struct{}, header *fuse.InHeader, target, name string, out *fuse.EntryOut) fuse.Status {
	child, code := g.change(done, header, name, "symlink")
	if code != 0 {
		return fuse.Status(code)
	}
	if g.chooses(child) {
		return fuse.Status(g.refuseLink(header.Pid, "symlink", child))
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
	if g.chooses(child) && g.isLink(old) {
		return fuse.Status(g.refuseLink(input.Pid, "link", child))
	}
	return g.made(child, out, func(dir int, base string) error { return g.linkAt(oldDir, oldBase, dir, base, child) })
}

// linkAt makes the second name, unless it came to be that of a link meanwhile.
func (g *Gate) linkAt(oldDir int, oldBase string, dir int, base, name string) error {
	if err := unix.Linkat(oldDir, oldBase, dir, base, 0); err != nil {
		return err
	}
	if g.landed(dir, base, name) {
		return syscall.EACCES
	}
	return nil
}

// Join gives a file of the host a second name, in another mount of the cage. The
// answer is a syscall.Errno.
func (g *Gate) Join(old, name string) error {
	for _, each := range []string{old, name} {
		if !g.writable(each) {
			return syscall.EACCES
		}
	}
	oldDir, oldBase, code := g.inParent(old)
	if code != 0 {
		return code
	}
	defer closeFD(oldDir)
	dir, base, code := g.inParent(name)
	if code != 0 {
		return code
	}
	defer closeFD(dir)
	defer g.rights.Lower()()
	return g.linkAt(oldDir, oldBase, dir, base, name)
}
