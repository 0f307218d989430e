//go:build linux

package seccomp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"path"
	"strconv"
	"strings"

	"openclaw/sandbox/policy"

	"golang.org/x/sys/unix"
)

// errNothing is what decode says of a call that no policy has a word on, such
// as chmod of a pipe: it goes on.
var errNothing = errors.New("nothing to judge")

// decode reads what a call is about from the memory of the program. An error
// that is an errno is the answer for the program.
func (k known) decode(n *notification) (Call, error) {
	c := Call{TID: int(n.tid), Syscall: int(n.number), Name: k.name, Operation: k.operation, Class: k.class}
	if k.flags >= 0 {
		c.Flags = n.arguments[k.flags] & 0xffffffff
	}
	var err error
	switch {
	case k.class == policy.ClassNet:
		err = c.readSocketAddress(n)
	case k.file >= 0:
		c.Descriptor = true
		c.Written, err = linkTarget(c.TID, "fd/"+strconv.Itoa(int(int32(n.arguments[k.file]))))
	default:
		if c.Written, err = readPath(n, k.folder, k.path); err == nil && k.path2 >= 0 {
			c.Written2, err = readPath(n, k.folder2, k.path2)
		}
	}
	if err != nil {
		return c, err
	}
	c.Path, c.Path2 = cleaned(c.Written), cleaned(c.Written2)
	c.refine()
	return c, nil
}

// refine tells apart what one call does by its flags.
func (c *Call) refine() {
	switch c.Name {
	case "open", "openat":
		switch {
		case c.Flags&openCreates != 0:
			c.Operation = "create"
		case c.Flags&openWrites == 0:
			c.Class = policy.ClassPathRead
		}
	case "unlinkat":
		if c.Flags&unix.AT_REMOVEDIR != 0 {
			c.Operation = "rmdir"
		}
	}
}

func cleaned(written string) string {
	if written == "" {
		return ""
	}
	return path.Clean(written)
}

// readPath reads a path argument and makes it absolute.
func readPath(n *notification, folder, argument int) (string, error) {
	tid := int(n.tid)
	at := int32(unix.AT_FDCWD)
	if folder >= 0 {
		at = int32(n.arguments[folder])
	}
	var text string
	if address := n.arguments[argument]; address != 0 || folder < 0 { // utimensat takes no path for the descriptor itself
		var err error
		if text, err = readString(tid, address); err != nil {
			return "", err
		}
	}
	if strings.HasPrefix(text, "/") {
		return text, nil
	}
	base := "cwd"
	if at != unix.AT_FDCWD {
		base = "fd/" + strconv.Itoa(int(at))
	}
	start, err := linkTarget(tid, base)
	if err != nil {
		return "", err
	}
	if text == "" {
		return start, nil
	}
	return start + "/" + text, nil
}

// linkTarget follows /proc/TID/cwd or a descriptor to a file's path. The kernel tells
// no path that is longer than a program may write.
func linkTarget(tid int, name string) (string, error) {
	target, err := os.Readlink("/proc/" + strconv.Itoa(tid) + "/" + name)
	switch {
	case err == nil && strings.HasPrefix(target, "/"):
		return target, nil
	case err == nil, errors.Is(err, unix.ENOENT): // a pipe or socket; a descriptor that is not open
		return "", errNothing
	case errors.Is(err, unix.ENAMETOOLONG):
		return "", unix.ENAMETOOLONG
	}
	return "", unix.EACCES
}

// longestPath is the kernel's PATH_MAX, with the NUL.
const longestPath = 4096

// readString reads a NUL-terminated string, page by page because the page
// behind the NUL may not be there.
func readString(tid int, address uint64) (string, error) {
	var buffer [longestPath]byte
	have := 0
	for have < len(buffer) {
		at := address + uint64(have)
		chunk := min(len(buffer)-have, longestPath-int(at%longestPath))
		if have == 0 {
			chunk = min(chunk, 256) // most paths are short
		}
		n, err := readMemory(tid, at, buffer[have:have+chunk])
		if err != nil {
			return "", err
		}
		if end := bytes.IndexByte(buffer[have:have+n], 0); end >= 0 {
			return string(buffer[:have+end]), nil
		}
		have += n
	}
	return "", unix.ENAMETOOLONG
}

// readMemory fills the buffer or returns the errno for the program: EFAULT for
// a bad address, EACCES when its memory may not be read.
func readMemory(tid int, address uint64, buffer []byte) (int, error) {
	local := []unix.Iovec{{Base: &buffer[0]}}
	local[0].SetLen(len(buffer))
	remote := []unix.RemoteIovec{{Base: uintptr(address), Len: len(buffer)}}
	n, err := unix.ProcessVMReadv(tid, local, remote, 0)
	switch {
	case err == nil && n > 0:
		return n, nil
	case err == nil, errors.Is(err, unix.EFAULT):
		return 0, unix.EFAULT
	case errors.Is(err, unix.ESRCH):
		return 0, errNothing
	}
	return 0, unix.EACCES
}

// longestSocketAddress is sizeof(struct sockaddr_storage).
const longestSocketAddress = 128

func (c *Call) readSocketAddress(n *notification) error {
	length := int(int32(n.arguments[2]))
	if length < 2 || length > longestSocketAddress {
		return errNothing // the kernel says EINVAL
	}
	buffer := make([]byte, length)
	got, err := readMemory(c.TID, n.arguments[1], buffer)
	if err != nil {
		return err
	}
	if got != length {
		return unix.EFAULT
	}
	return c.parseSocketAddress(buffer)
}

// ReadAddress sets what a struct sockaddr says, which the caller has read. What
// it does not know, such as an address that takes a connection apart, sets
// nothing.
func (c *Call) ReadAddress(b []byte) error {
	c.Address, c.UnixPath, c.WrittenSocket = netip.AddrPort{}, "", ""
	if err := c.parseSocketAddress(b); !errors.Is(err, errNothing) {
		return err
	}
	return nil
}

// parseSocketAddress reads a struct sockaddr.
func (c *Call) parseSocketAddress(b []byte) error {
	switch family := binary.NativeEndian.Uint16(b); {
	case family == unix.AF_UNIX && len(b) > 2:
		name := b[2:]
		if name[0] == 0 {
			c.UnixPath = "@" + string(name[1:])
			return nil
		}
		if end := bytes.IndexByte(name, 0); end >= 0 {
			name = name[:end]
		}
		c.UnixPath = string(name)
		if !strings.HasPrefix(c.UnixPath, "/") {
			start, err := linkTarget(c.TID, "cwd")
			if err != nil {
				return err
			}
			c.UnixPath = start + "/" + c.UnixPath
		}
		c.WrittenSocket, c.UnixPath = c.UnixPath, path.Clean(c.UnixPath)
		return nil
	case family == unix.AF_INET && len(b) >= 8:
		c.Address = netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), binary.BigEndian.Uint16(b[2:]))
		return nil
	case family == unix.AF_INET6 && len(b) >= 24:
		c.Address = netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[8:24])), binary.BigEndian.Uint16(b[2:]))
		return nil
	}
	return errNothing // AF_UNSPEC takes a connection apart; others reach nothing
}
