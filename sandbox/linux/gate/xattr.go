//go:build linux

package gate

import (
	"bytes"
	"strings"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"openclaw/sandbox/policy"
)

// ownAttribute reports whether an extended attribute is a person's own; the
// kernel's (security, system, trusted) are not served.
func ownAttribute(name string) bool { return strings.HasPrefix(name, "user.") }

// attributed opens what an extended attribute is about, after it was judged.
func (g *Gate) attributed(done <-chan struct{}, header *fuse.InHeader, class policy.Class, operation string) (int, syscall.Errno) {
	name := g.nodes.path(header.NodeId)
	if name == "" {
		return -1, syscall.ESTALE
	}
	if g.open.Load() {
		return -1, syscall.EOPNOTSUPP
	}
	if class == policy.ClassPathRead {
		// What an attribute holds is content: a yes to the folder is not enough.
		if decision, ok := g.allowed(header.Pid, class, name); !ok || decision.Effect == policy.Ask && !g.granted.own(g.process(header.Pid), class, name) {
			return -1, syscall.EOPNOTSUPP // whoever looks at a refused file has been told already
		}
	} else if code := g.permit(done, header.Pid, class, operation, name); code != 0 {
		return -1, code
	}
	fd, code := g.beneath(name, unix.O_PATH, 0)
	if code != 0 {
		return -1, code
	}
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil || stat.Mode&unix.S_IFMT != unix.S_IFREG && stat.Mode&unix.S_IFMT != unix.S_IFDIR {
		closeFD(fd)
		return -1, syscall.EOPNOTSUPP
	}
	return fd, 0
}

// GetXAttr reads an extended attribute.
func (g *Gate) GetXAttr(done <-chan struct{}, header *fuse.InHeader, attribute string, buffer []byte) (uint32, fuse.Status) {
	if !ownAttribute(attribute) {
		return 0, fuse.Status(syscall.EOPNOTSUPP)
	}
	fd, code := g.attributed(done, header, policy.ClassPathRead, "getxattr")
	if code != 0 {
		return 0, fuse.Status(code)
	}
	defer closeFD(fd)
	defer g.rights.Lower()()
	n, err := unix.Getxattr(byDescriptor(fd), attribute, buffer)
	if err != nil {
		return 0, fuse.ToStatus(err)
	}
	return uint32(n), fuse.OK
}

// ListXAttr lists them.
func (g *Gate) ListXAttr(done <-chan struct{}, header *fuse.InHeader, buffer []byte) (uint32, fuse.Status) {
	fd, code := g.attributed(done, header, policy.ClassPathRead, "listxattr")
	if code == syscall.EOPNOTSUPP {
		return 0, fuse.OK
	}
	if code != 0 {
		return 0, fuse.Status(code)
	}
	defer closeFD(fd)
	defer g.rights.Lower()()
	all := make([]byte, unix.PathMax<<4) // XATTR_LIST_MAX, limits.h
	n, err := unix.Listxattr(byDescriptor(fd), all)
	if err != nil {
		return 0, fuse.ToStatus(err)
	}
	var own []byte
	for name := range bytes.SplitAfterSeq(all[:n], []byte{0}) {
		if ownAttribute(string(name)) {
			own = append(own, name...)
		}
	}
	if len(buffer) == 0 {
		return uint32(len(own)), fuse.OK
	}
	if len(own) > len(buffer) {
		return uint32(len(own)), fuse.ERANGE
	}
	return uint32(copy(buffer, own)), fuse.OK
}

// SetXAttr writes one.
func (g *Gate) SetXAttr(done <-chan struct{}, input *fuse.SetXAttrIn, attribute string, data []byte) fuse.Status {
	if !ownAttribute(attribute) {
		return fuse.Status(syscall.EOPNOTSUPP)
	}
	fd, code := g.attributed(done, &input.InHeader, policy.ClassPathWrite, "setxattr")
	if code != 0 {
		return fuse.Status(code)
	}
	defer closeFD(fd)
	defer g.rights.Lower()()
	return fuse.ToStatus(unix.Setxattr(byDescriptor(fd), attribute, data, int(input.Flags)))
}

// RemoveXAttr removes one.
func (g *Gate) RemoveXAttr(done <-chan struct{}, header *fuse.InHeader, attribute string) fuse.Status {
	if !ownAttribute(attribute) {
		return fuse.Status(syscall.EOPNOTSUPP)
	}
	fd, code := g.attributed(done, header, policy.ClassPathWrite, "removexattr")
	if code != 0 {
		return fuse.Status(code)
	}
	defer closeFD(fd)
	defer g.rights.Lower()()
	return fuse.ToStatus(unix.Removexattr(byDescriptor(fd), attribute))
}
