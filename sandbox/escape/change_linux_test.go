package escape_test

import (
	"errors"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// From include/uapi/linux/fs.h.
const (
	ioctlSetFlags   = 0x40086602 // FS_IOC_SETFLAGS
	ioctlGetFlags   = 0x80086601 // FS_IOC_GETFLAGS
	ioctlSetVersion = 0x40087602 // FS_IOC_SETVERSION
	ioctlGetVersion = 0x80087601 // FS_IOC_GETVERSION
	noDumpFlag      = 0x40       // FS_NODUMP_FL
)

func ioctl(fd int, request uintptr, argument unsafe.Pointer) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(argument))
	return errnoOrNil(errno)
}

// setFlag changes a flag of a file's inode, as chattr does.
func setFlag(fd int) error {
	var flags uint64
	if err := ioctl(fd, ioctlGetFlags, unsafe.Pointer(&flags)); err != nil {
		return err
	}
	flags |= noDumpFlag
	return ioctl(fd, ioctlSetFlags, unsafe.Pointer(&flags))
}

// changedTo fails as long as a file of the world is what it was.
func sharedChanged(w *world) error {
	text, err := os.ReadFile(w.path("shared/lib.txt"))
	if err == nil && string(text) == "shared" {
		return errors.New("unchanged")
	}
	return nil
}

// changeAttempts change what may only be read, or not even that.
func changeAttempts() []try {
	return []try{
		{name: "append to read-only", check: sharedChanged, run: func(p place) error {
			fd, err := open(p.path("shared/lib.txt"), unix.O_WRONLY|unix.O_APPEND)
			if err != nil {
				return err
			}
			_, err = unix.Write(fd, []byte("x"))
			return err
		}},
		{name: "reopen a readable descriptor for writing", check: sharedChanged, run: func(p place) error {
			fd, err := open(p.path("shared/lib.txt"), unix.O_RDONLY)
			if err != nil {
				return err
			}
			again, err := open(fdPath(fd), unix.O_RDWR)
			if err != nil {
				return err
			}
			_, err = unix.Pwrite(again, []byte("x"), 0)
			return err
		}},
		{name: "write read-only through a mapping", check: sharedChanged, run: func(p place) error {
			fd, err := open(p.path("shared/lib.txt"), unix.O_RDWR)
			if err != nil {
				return err
			}
			data, err := unix.Mmap(fd, 0, 6, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
			if err == nil {
				data[0] = 'x'
			}
			return err
		}},
		{name: "truncate read-only", check: sharedChanged, run: func(p place) error { return unix.Truncate(p.path("shared/lib.txt"), 1) }},
		{name: "truncate read-only by opening it to read", check: sharedChanged, run: func(p place) error {
			_, err := open(p.path("shared/lib.txt"), unix.O_RDONLY|unix.O_TRUNC)
			return err
		}},
		{name: "rename onto read-only", check: sharedChanged, run: func(p place) error { return os.Rename(p.path("project/main.go"), p.path("shared/lib.txt")) }},
		{name: "take out of read-only", check: sharedChanged, run: func(p place) error { return os.Rename(p.path("shared/lib.txt"), p.path("project/mine")) }},
		{name: "exchange with read-only", check: sharedChanged, run: func(p place) error {
			return unix.Renameat2(unix.AT_FDCWD, p.path("project/main.go"), unix.AT_FDCWD, p.path("shared/lib.txt"), unix.RENAME_EXCHANGE)
		}},
		{name: "remove read-only", check: sharedChanged, run: func(p place) error { return os.Remove(p.path("shared/lib.txt")) }},
		{name: "take from outside", run: func(p place) error {
			return first(func() error { return os.Rename(p.path("other/notes.txt"), p.path("project/mine")) }, func() error { return reads(p.path("project/mine")) })
		}},
		{name: "exchange with outside", run: func(p place) error {
			return first(func() error {
				return unix.Renameat2(unix.AT_FDCWD, p.path("project/main.go"), unix.AT_FDCWD, p.path("other/notes.txt"), unix.RENAME_EXCHANGE)
			}, func() error { return reads(p.path("project/main.go")) })
		}},
		{name: "put a link outside", check: appeared("other/link"), run: func(p place) error { return os.Symlink("/", p.path("other/link")) }},
		{name: "put a socket outside", check: appeared("other/s"), run: func(p place) error {
			fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
			if err != nil {
				return err
			}
			return unix.Bind(fd, &unix.SockaddrUnix{Name: p.path("other/s")})
		}},
		{name: "put a socket into read-only", check: appeared("shared/s"), run: func(p place) error {
			fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
			if err != nil {
				return err
			}
			return unix.Bind(fd, &unix.SockaddrUnix{Name: p.path("shared/s")})
		}},
		{name: "put a pipe outside", check: appeared("other/pipe"), run: func(p place) error { return unix.Mkfifo(p.path("other/pipe"), 0o600) }},
		{name: "owner of a file outside", run: func(p place) error { return unix.Lchown(p.path("other/notes.txt"), os.Getuid(), os.Getgid()) }},
		{name: "remove a folder with a denied one in it", denied: true, run: func(p place) error { return os.RemoveAll(p.path("project/deep")) }, check: func(w *world) error {
			if _, err := os.Lstat(w.path("project/deep/er/hidden/file")); err == nil {
				return errors.New("it is still there")
			}
			return nil
		}},
		{name: "move denied and leave a whiteout", denied: true, run: func(p place) error {
			return first(func() error {
				return unix.Renameat2(unix.AT_FDCWD, p.path("project/.env"), unix.AT_FDCWD, p.path("project/mine"), unix.RENAME_WHITEOUT)
			}, func() error { return reads(p.path("project/mine")) })
		}},
		{name: "put a file in the place of denied", denied: true, check: changed("project/.env"), run: func(p place) error {
			return first(func() error { return os.WriteFile(p.path("project/new"), nil, 0o600) },
				func() error { return os.Rename(p.path("project/new"), p.path("project/.env")) })
		}},
		{name: "fill a denied path that is not there yet", denied: true, prepare: func(w *world) {
			w.perms.DeniedPaths = append(w.perms.DeniedPaths, w.path("project/later"))
		}, run: func(p place) error { return os.WriteFile(p.path("project/later"), []byte("x"), 0o600) }, check: func(w *world) error {
			info, err := os.Lstat(w.path("project/later"))
			if err == nil && info.Size() == 0 {
				err = errors.New("empty")
			}
			return err
		}},
		{name: "flag of a read-only file", run: func(p place) error {
			fd, err := open(p.path("shared/lib.txt"), unix.O_RDONLY)
			if err != nil {
				return err
			}
			return setFlag(fd)
		}},
		{name: "access list on read-only", run: func(p place) error {
			// POSIX ACL, version 2: owner, group and others may read.
			list := []byte{2, 0, 0, 0, 1, 0, 4, 0, 255, 255, 255, 255, 4, 0, 4, 0, 255, 255, 255, 255, 32, 0, 4, 0, 255, 255, 255, 255}
			return unix.Setxattr(p.path("shared/lib.txt"), "system.posix_acl_access", list, 0)
		}},
		{name: "remove an extended attribute of read-only", prepare: func(w *world) {
			if err := unix.Setxattr(w.path("shared/lib.txt"), "user.x", []byte("y"), 0); err != nil {
				w.t.Skip("the file system has no extended attributes: " + err.Error())
			}
		}, run: func(p place) error { return unix.Removexattr(p.path("shared/lib.txt"), "user.x") }},
		{name: "change of a file outside by its handle and descriptor", run: func(p place) error {
			fd, err := open(p.path("other/notes.txt"), unix.O_PATH)
			if err != nil {
				return err
			}
			return unix.Chmod(fdPath(fd), 0o666)
		}},
		{name: "times of a folder outside by a path-only descriptor", run: func(p place) error {
			fd, err := open(p.path("other"), unix.O_PATH|unix.O_DIRECTORY)
			if err != nil {
				return err
			}
			return unix.Utimes(fdPath(fd), []unix.Timeval{{Sec: 1}, {Sec: 1}})
		}},
		{name: "link standard input into the project", prepare: stdin("other/notes.txt", os.O_RDONLY), run: func(p place) error {
			return unix.Linkat(unix.AT_FDCWD, "/proc/self/fd/0", unix.AT_FDCWD, p.path("project/mine"), unix.AT_SYMLINK_FOLLOW)
		}, check: appeared("project/mine")},
		{name: "link standard input by its descriptor", prepare: stdin("other/notes.txt", os.O_RDONLY), run: func(p place) error {
			return unix.Linkat(0, "", unix.AT_FDCWD, p.path("project/mine"), unix.AT_EMPTY_PATH)
		}, check: appeared("project/mine")},
		{name: "flag of standard input", prepare: stdin("other/notes.txt", os.O_RDONLY), run: func(place) error { return setFlag(0) }},
		{name: "version of standard input", prepare: stdin("other/notes.txt", os.O_RDONLY), run: func(place) error {
			var version uint64
			if err := ioctl(0, ioctlGetVersion, unsafe.Pointer(&version)); err != nil {
				return err
			}
			version++
			return ioctl(0, ioctlSetVersion, unsafe.Pointer(&version))
		}},
		{name: "attribute of standard input", prepare: stdin("other/notes.txt", os.O_RDONLY), run: func(place) error { return unix.Fsetxattr(0, "user.x", []byte("y"), 0) }},
	}
}
