//go:build linux

package emulate

import (
	"strings"
	"unsafe"

	"openclaw/sandbox/linux/harden"

	"golang.org/x/sys/unix"
)

// BindLocal gives the socket a path, name in a folder, with the caller's umask.
//
// written is what the program called that path, and then what getsockname says; "" is
// nothing, and the socket's name one of this process. While the words are followed
// another process may change what they lead to: the socket is then below the folder all
// the same, perhaps further down. Who may not let that be must leave written out.
func (s *Socket) BindLocal(c Caller, written string, folder *Object, name string) error {
	if s.Family != unix.AF_UNIX {
		return unix.EINVAL
	}
	umask := c.Umask()
	if written != "" && s.bindAsWritten(c, written, folder, umask) == nil {
		return narrowed(folder, name, umask)
	}
	restore, err := lower()
	if err != nil {
		return err
	}
	defer restore()
	if err := unix.Bind(s.Descriptor, &unix.SockaddrUnix{Name: folder.Name() + "/" + name}); err != nil {
		return err
	}
	return narrowed(folder, name, umask)
}

// narrowed takes from a new socket's file what the caller's umask does.
func narrowed(folder *Object, name string, umask uint32) error {
	fd, err := unix.Openat(folder.Descriptor, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil // somebody of the cage has removed it already
	}
	made, err := hold(fd)
	if err != nil {
		return nil // as above
	}
	defer made.Close()
	if made.Type() == unix.S_IFSOCK && made.Mode&0o777&umask != 0 {
		return made.Chmod(made.Mode & 0o777 &^ umask)
	}
	return nil
}

// bindAsWritten binds by the program's own words: programs tell others the name that
// getsockname gives, and remove the file by it when they end. The thread that follows
// them can make a socket below the folder that was judged and nowhere else.
func (s *Socket) bindAsWritten(c Caller, written string, folder *Object, umask uint32) error {
	var start *Object // of relative words
	if !strings.HasPrefix(written, "/") {
		var err error
		if start, err = c.Resolve(unix.AT_FDCWD, ".", true); err != nil {
			return err
		}
		defer start.Close()
	}
	address := LocalAddress(written)
	done := make(chan error)
	harden.OwnThread(func() { done <- s.bindFrom(start, folder, address, umask) })
	return <-done
}

// bindFrom is the work of a thread that ends with it: its working folder, umask, rights
// and walls are its own.
func (s *Socket) bindFrom(start, folder *Object, address []byte, umask uint32) error {
	if _, err := lower(); err != nil {
		return err
	}
	// Docker's filter refuses unshare; nothing but relative words needs it.
	switch err := unix.Unshare(unix.CLONE_FS); {
	case err == nil:
		unix.Umask(int(umask))
	case start != nil:
		return err
	}
	if start != nil {
		if err := unix.Fchdir(start.Descriptor); err != nil {
			return err
		}
	}
	if err := harden.RestrictSockets(folder.Descriptor); err != nil {
		return err
	}
	//nolint:gosec // the kernel reads the address during the call
	_, _, errno := unix.Syscall(unix.SYS_BIND, uintptr(s.Descriptor), uintptr(unsafe.Pointer(&address[0])), uintptr(len(address)))
	return none(errno)
}
