package escape_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// reads reports whether a file holds the secret.
func reads(name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if !strings.Contains(string(text), secret) {
		return fmt.Errorf("%s holds something else", name)
	}
	return nil
}

func changed(name string) func(*world) error {
	return func(w *world) error {
		text, err := os.ReadFile(w.path(name))
		if err == nil && string(text) == secret {
			return errors.New("unchanged")
		}
		return nil
	}
}

func appeared(name string) func(*world) error {
	return func(w *world) error {
		_, err := os.Lstat(w.path(name))
		return err
	}
}

// first runs steps until one fails.
func first(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func fileAttempts() []try {
	return []try{
		{name: "read outside", run: func(p place) error { return reads(p.path(".ssh/id_ed25519")) }},
		{name: "read denied inside allowed", denied: true, run: func(p place) error { return reads(p.path("project/secret/key")) }},
		{name: "read denied by pattern", denied: true, run: func(p place) error { return reads(p.path("project/.env")) }},
		{name: "read through own link", run: func(p place) error {
			link := p.path("project/link")
			return first(func() error { return os.Symlink(p.path(".ssh"), link) }, func() error { return reads(link + "/id_ed25519") })
		}},
		{name: "read through proc root", run: func(p place) error { return reads("/proc/self/root" + p.path("other/notes.txt")) }},
		{name: "read through proc cwd", run: func(p place) error {
			return reads("/proc/self/cwd/../other/notes.txt")
		}},
		{name: "read through descriptor of parent", run: func(place) error {
			fd, err := unix.Open("..", unix.O_PATH|unix.O_DIRECTORY, 0)
			if err != nil {
				return err
			}
			return reads(fmt.Sprintf("/proc/self/fd/%d/other/notes.txt", fd))
		}},
		{name: "reopen path-only descriptor", denied: true, run: func(p place) error {
			fd, err := unix.Open(p.path("project/secret/key"), unix.O_PATH, 0)
			if err != nil {
				return err
			}
			return reads(fmt.Sprintf("/proc/self/fd/%d", fd))
		}},
		{name: "open by empty path", denied: true, run: func(p place) error {
			fd, err := unix.Open(p.path("project/secret"), unix.O_PATH, 0)
			if err != nil {
				return err
			}
			inner, err := unix.Openat(fd, "key", unix.O_RDONLY, 0)
			if err != nil {
				return err
			}
			return reads(fmt.Sprintf("/proc/self/fd/%d", inner))
		}},
		{name: "list denied folder", denied: true, run: func(p place) error { _, err := os.ReadDir(p.path("project/secret")); return err }},
		{name: "map denied file", denied: true, run: func(p place) error {
			fd, err := unix.Open(p.path("project/.env"), unix.O_RDONLY, 0)
			if err != nil {
				return err
			}
			_, err = unix.Mmap(fd, 0, 10, unix.PROT_READ, unix.MAP_PRIVATE)
			return err
		}},
		{name: "rename denied folder", denied: true, run: func(p place) error {
			return first(func() error { return os.Rename(p.path("project/secret"), p.path("project/moved")) },
				func() error { return reads(p.path("project/moved/key")) })
		}},
		{name: "rename ancestor of denied", denied: true, run: func(p place) error {
			return first(func() error { return os.Rename(p.path("project/deep/er"), p.path("project/moved")) },
				func() error { return reads(p.path("project/moved/hidden/file")) })
		}},
		{name: "rename highest ancestor of denied", denied: true, run: func(p place) error {
			return first(func() error { return os.Rename(p.path("project/deep"), p.path("project/moved")) },
				func() error { return reads(p.path("project/moved/er/hidden/file")) })
		}},
		{name: "exchange denied file", denied: true, run: func(p place) error {
			return first(func() error {
				return unix.Renameat2(unix.AT_FDCWD, p.path("project/.env"), unix.AT_FDCWD, p.path("project/main.go"), unix.RENAME_EXCHANGE)
			}, func() error { return reads(p.path("project/main.go")) })
		}},
		{name: "exchange ancestor of denied", denied: true, run: func(p place) error {
			return first(func() error { return os.Mkdir(p.path("project/new"), 0o700) }, func() error {
				return unix.Renameat2(unix.AT_FDCWD, p.path("project/deep"), unix.AT_FDCWD, p.path("project/new"), unix.RENAME_EXCHANGE)
			}, func() error { return reads(p.path("project/new/er/hidden/file")) })
		}},
		{name: "hard link to denied", denied: true, run: func(p place) error {
			return first(func() error { return os.Link(p.path("project/.env"), p.path("project/mine")) }, func() error { return reads(p.path("project/mine")) })
		}},
		{name: "hard link to outside", run: func(p place) error {
			return first(func() error { return os.Link(p.path("other/notes.txt"), p.path("project/mine")) }, func() error { return reads(p.path("project/mine")) })
		}},
		{name: "hard link by descriptor", run: func(p place) error {
			fd, err := unix.Open(p.path("other/notes.txt"), unix.O_PATH, 0)
			if err != nil {
				return err
			}
			err = unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", fd), unix.AT_FDCWD, p.path("project/mine"), unix.AT_SYMLINK_FOLLOW)
			if err != nil {
				return err
			}
			return reads(p.path("project/mine"))
		}},
		{name: "overwrite outside", run: func(p place) error { return os.WriteFile(p.path("other/notes.txt"), []byte("x"), 0o600) }, check: changed("other/notes.txt")},
		{name: "overwrite denied", denied: true, run: func(p place) error { return os.WriteFile(p.path("project/.env"), []byte("x"), 0o600) }, check: changed("project/.env")},
		{name: "truncate outside", run: func(p place) error { return unix.Truncate(p.path("other/notes.txt"), 0) }, check: changed("other/notes.txt")},
		{name: "remove denied", denied: true, run: func(p place) error { return os.Remove(p.path("project/.env")) }, check: changed("project/.env")},
		{name: "write read-only", run: func(p place) error { return os.WriteFile(p.path("shared/lib.txt"), []byte("x"), 0o600) }},
		{name: "create in read-only", run: func(p place) error { return os.WriteFile(p.path("shared/new"), nil, 0o600) }, check: appeared("shared/new")},
		{name: "create in denied", denied: true, run: func(p place) error { return os.WriteFile(p.path("project/secret/new"), nil, 0o600) }, check: appeared("project/secret/new")},
		{name: "create outside", run: func(p place) error { return os.WriteFile(p.path("new"), nil, 0o600) }, check: appeared("new")},
		{name: "folder outside", run: func(p place) error { return os.Mkdir(p.path(".ssh/new"), 0o700) }, check: appeared(".ssh/new")},
		{name: "unnamed file linked into denied", denied: true, run: func(p place) error {
			fd, err := unix.Open(p.path("project"), unix.O_TMPFILE|unix.O_RDWR, 0o600)
			if err != nil {
				return err
			}
			return unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", fd), unix.AT_FDCWD, p.path("project/secret/new"), unix.AT_SYMLINK_FOLLOW)
		}, check: appeared("project/secret/new")},
		{name: "chmod denied", denied: true, run: func(p place) error { return os.Chmod(p.path("project/.env"), 0o666) }},
		{name: "chmod read-only", run: func(p place) error { return os.Chmod(p.path("shared/lib.txt"), 0o666) }},
		{name: "xattr on read-only", run: func(p place) error { return unix.Setxattr(p.path("shared/lib.txt"), "user.x", []byte("y"), 0) }},
		{name: "times of outside", run: func(p place) error { return unix.Utimes(p.path("other/notes.txt"), []unix.Timeval{{Sec: 1}, {Sec: 1}}) }},
		{name: "size of denied", denied: true, run: func(p place) error {
			info, err := os.Stat(p.path("project/.env"))
			if err != nil {
				return err
			}
			if info.Size() != int64(len(secret)) {
				return errors.New("another size")
			}
			return nil
		}},
		{name: "open by handle", root: true, run: func(p place) error {
			handle, _, err := unix.NameToHandleAt(unix.AT_FDCWD, p.path("project/main.go"), 0)
			if err != nil {
				return err
			}
			dir, err := unix.Open(p.path("project"), unix.O_RDONLY, 0)
			if err != nil {
				return err
			}
			_, err = unix.OpenByHandleAt(dir, handle, unix.O_RDONLY)
			return err
		}},
		{name: "lease on read-only", run: func(p place) error {
			fd, err := unix.Open(p.path("shared/lib.txt"), unix.O_RDONLY, 0)
			if err != nil {
				return err
			}
			_, err = unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_WRLCK)
			return err
		}},
		{name: "set-uid file", run: func(p place) error {
			fd, err := unix.Open(p.path("project/suid"), unix.O_CREAT|unix.O_WRONLY, 0o4755)
			if err != nil {
				return err
			}
			return unix.Fchmod(fd, 0o4755)
		}, check: appeared("project/suid")},
		{
			name: "set-uid file by unnamed file", run: func(p place) error {
				fd, err := unix.Open(p.path("project"), unix.O_TMPFILE|unix.O_RDWR, 0o4755)
				if err != nil {
					return err
				}
				return unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", fd), unix.AT_FDCWD, p.path("project/suid"), unix.AT_SYMLINK_FOLLOW)
			}, check: appeared("project/suid"),
		},
		{name: "write system folder", root: true, run: func(p place) error {
			name := "/usr/local/" + filepath.Base(p.home)
			if err := os.WriteFile(name, nil, 0o600); err != nil {
				return err
			}
			return os.Remove(name)
		}},
		{name: "make denied through private link", denied: true, run: func(p place) error {
			link := fmt.Sprintf("/tmp/openclaw-escape-%d", os.Getpid())
			if err := os.Symlink(p.path("project"), link); err != nil {
				return err
			}
			defer func() { _ = os.Remove(link) }()
			if err := os.Mkdir(p.path("project/sub"), 0o700); err != nil && !errors.Is(err, os.ErrExist) {
				return err
			}
			return os.WriteFile(link+"/sub/.env", nil, 0o600)
		}, check: appeared("project/sub/.env")},
		{name: "make denied through proc root", denied: true, run: func(p place) error {
			if err := os.Mkdir(p.path("project/sub"), 0o700); err != nil && !errors.Is(err, os.ErrExist) {
				return err
			}
			return os.WriteFile("/proc/self/root"+p.path("project/sub/.env"), nil, 0o600)
		}, check: appeared("project/sub/.env")},
		{name: "make denied by descriptor link", denied: true, run: func(p place) error {
			if err := os.Mkdir(p.path("project/sub"), 0o700); err != nil && !errors.Is(err, os.ErrExist) {
				return err
			}
			fd, err := unix.Open(p.path("project/sub"), unix.O_PATH, 0)
			if err != nil {
				return err
			}
			return os.WriteFile(fmt.Sprintf("/proc/self/fd/%d/.env", fd), nil, 0o600)
		}, check: appeared("project/sub/.env")},
		{name: "socket in read-only", prepare: listenIn("shared/s"), run: func(p place) error { return dialUnix(p.path("shared/s")) }},
		{name: "socket in read-only through private link", prepare: listenIn("shared/s"), run: func(p place) error {
			link := fmt.Sprintf("/tmp/openclaw-escape-%d", os.Getpid())
			if err := os.Symlink(p.path("shared"), link); err != nil {
				return err
			}
			defer func() { _ = os.Remove(link) }()
			return dialUnix(link + "/s")
		}},
		{name: "socket outside", prepare: listenIn("other/s"), run: func(p place) error { return dialUnix(p.path("other/s")) }},
		{name: "datagram to read-only socket", prepare: listenPacketIn("shared/d"), run: func(p place) error { return sendUnix(p.path("shared/d")) }},
		{name: "datagram to outside socket", prepare: listenPacketIn("other/d"), run: func(p place) error { return sendUnix(p.path("other/d")) }},
		{name: "racing connect to read-only socket", prepare: listenIn("shared/s"), run: raceConnect},
		{name: "pattern below a linked folder", denied: true, prepare: func(w *world) {
			w.write("real/tree/.env", secret)
			if err := os.Symlink(w.path("real"), w.path("linked")); err != nil {
				w.t.Fatal(err)
			}
			w.perms.AllowedPaths = append(w.perms.AllowedPaths, entry(w.path("linked")))
			w.perms.DeniedPaths = append(w.perms.DeniedPaths, w.path("linked")+"/**/.env")
			w.perms.DeniedPaths = withoutPattern(w.perms.DeniedPaths, w.home+"/**/.env")
		}, run: func(p place) error { return reads(p.path("linked/tree/.env")) }},
		{name: "settings that only root reads", root: true, run: func(place) error { return readClosed("/etc") }},
		{name: "link planted before this run", prepare: func(w *world) {
			// What an agent may leave behind in a folder that it may write.
			if err := os.Symlink(w.path("other"), w.path("project/build")); err != nil {
				w.t.Fatal(err)
			}
			w.perms.AllowedPaths = append(w.perms.AllowedPaths, entry(w.path("project/build")))
		}, run: func(p place) error { return reads(p.path("other/notes.txt")) }},
		{name: "link planted above an allowed path", prepare: func(w *world) {
			if err := os.Symlink(w.home, w.path("project/up")); err != nil {
				w.t.Fatal(err)
			}
			w.perms.AllowedPaths = append(w.perms.AllowedPaths, entry(w.path("project/up/other")))
		}, run: func(p place) error { return reads(p.path("other/notes.txt")) }},
		{name: "denied name with odd bytes", denied: true, prepare: func(w *world) {
			w.write("project/a b\xff\xc3 c/key", secret)
			w.perms.DeniedPaths = append(w.perms.DeniedPaths, w.path("project/a b\xff\xc3 c"))
		}, run: func(p place) error { return reads(p.path("project/a b\xff\xc3 c/key")) }},
		{name: "denied below 4,000 bytes", denied: true, prepare: func(w *world) {
			long := "project/" + strings.Repeat(strings.Repeat("d", 200)+"/", 19)
			w.write(long+"key", secret)
			w.perms.DeniedPaths = append(w.perms.DeniedPaths, strings.TrimSuffix(w.path(long), "/"))
		}, run: func(p place) error {
			return reads(p.path("project/" + strings.Repeat(strings.Repeat("d", 200)+"/", 19) + "key"))
		}},
	}
}

// readClosed opens a file that no other user may read; none is an error.
func readClosed(dir string) error {
	refused := errors.New("there is none")
	_ = filepath.WalkDir(dir, func(name string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil //nolint:nilerr // the next one
		}
		info, err := entry.Info()
		if err != nil || info.Mode().Perm()&0o004 != 0 {
			return nil //nolint:nilerr // the next one
		}
		file, err := os.Open(name)
		if err != nil {
			refused = err
			return nil //nolint:nilerr // the next one
		}
		_ = file.Close()
		refused = nil
		return filepath.SkipAll
	})
	return refused
}

func withoutPattern(list []string, one string) []string {
	var out []string
	for _, each := range list {
		if each != one {
			out = append(out, each)
		}
	}
	return out
}

func listenIn(name string) func(*world) {
	return func(w *world) { listenAt(w, w.path(name)) }
}

// listenAt listens until the test ends.
func listenAt(w *world, name string) *net.UnixListener {
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = listener.Close() })
	return listener
}

func listenPacketIn(name string) func(*world) {
	return func(w *world) {
		conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: w.path(name), Net: "unixgram"})
		if err != nil {
			w.t.Fatal(err)
		}
		w.t.Cleanup(func() { _ = conn.Close() })
	}
}

func dialUnix(name string) error {
	conn, err := net.Dial("unix", name)
	if err == nil {
		_ = conn.Close()
	}
	return err
}

func sendUnix(name string) error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	return unix.Sendto(fd, []byte("x"), 0, &unix.SockaddrUnix{Name: name})
}

// raceConnect changes the address while the call that carries it is judged.
func raceConnect(p place) error {
	type address struct {
		family uint16
		path   [108]byte
	}
	memory, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return err
	}
	shown := (*address)(unsafe.Pointer(&memory[0]))
	shown.family = unix.AF_UNIX
	good, bad := "/tmp/nothing-there\x00", p.path("shared/s")+"\x00"
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if i%2 == 0 {
				copy(shown.path[:], good)
			} else {
				copy(shown.path[:], bad)
			}
		}
	}()
	for range 3000 {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		_, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&memory[0])), unsafe.Sizeof(address{}))
		_ = unix.Close(fd)
		if errno == 0 {
			return nil
		}
	}
	return errors.New("never connected")
}
