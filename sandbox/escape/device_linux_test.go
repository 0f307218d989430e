package escape_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

func opens(name string, flags int) func(place) error {
	return func(place) error {
		fd, err := unix.Open(name, flags|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
		if err == nil {
			_ = unix.Close(fd)
		}
		return err
	}
}

// isNull reports whether an open file is the null device, which stands over what
// is closed.
func isNull(fd int) bool {
	var stat unix.Stat_t
	return unix.Fstat(fd, &stat) == nil && stat.Mode&unix.S_IFMT == unix.S_IFCHR && stat.Rdev == unix.Mkdev(1, 3)
}

// sweep looks through /proc for a file that is nobody's process and opens.
func sweep(flags int, wanted func(fs.FileInfo) bool) error {
	found := errors.New("none opens")
	_ = filepath.WalkDir("/proc", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			if entry != nil && entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if entry.IsDir() {
			base := entry.Name()
			if name != "/proc" && (base[0] >= '0' && base[0] <= '9' || base == "pressure" || base == "net" ||
				flags == unix.O_RDONLY && base == "sys") { // anyone's, or the cage's own, or settings that are no secrets
				return fs.SkipDir
			}
			return nil
		}
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() || !wanted(info) {
			return nil
		}
		fd, err := unix.Open(name, flags|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil
		}
		defer func() { _ = unix.Close(fd) }()
		if isNull(fd) {
			return nil
		}
		if flags == unix.O_RDONLY {
			if n, err := unix.Read(fd, make([]byte, 1)); err != nil || n == 0 {
				return nil
			}
		}
		_, _ = os.Stderr.WriteString(name + "\n")
		found = nil
		return fs.SkipAll
	})
	return found
}

// deviceAttempts reach the machine itself.
func deviceAttempts() []try {
	disk := func() string { // that root can open: a virtual machine may keep its own
		names, _ := filepath.Glob("/sys/block/*")
		for _, name := range names {
			base := filepath.Base(name)
			if strings.HasPrefix(base, "loop") || strings.HasPrefix(base, "ram") {
				continue
			}
			if file, err := os.Open("/dev/" + base); err == nil {
				file.Close()
				return file.Name()
			}
		}
		return "/dev/loop0"
	}
	return []try{
		{name: "disk", root: true, prepare: func(w *world) { w.hint = disk() }, run: func(p place) error { return opens(p.hint, unix.O_RDONLY)(p) }},
		{name: "disk, named anew", root: true, reduced: "a node that somebody else made in an allowed folder is a file of it, where no mount says otherwise", prepare: func(w *world) {
			// A node that lies where the agent may read and write.
			var stat unix.Stat_t
			if err := unix.Stat(disk(), &stat); err != nil {
				w.t.Skip("no disk: " + err.Error())
			}
			if err := unix.Mknod(w.path("project/disk"), unix.S_IFBLK|0o600, int(stat.Rdev)); err != nil {
				w.t.Skip("no nodes can be made: " + err.Error())
			}
		}, run: func(p place) error { return opens(p.path("project/disk"), unix.O_RDONLY)(p) }},
		{name: "loop devices", root: true, run: opens("/dev/loop-control", unix.O_RDWR)},
		{name: "virtual terminal", root: true, run: opens("/dev/tty1", unix.O_RDONLY)},
		{name: "console", root: true, run: opens("/dev/console", unix.O_WRONLY)},
		{name: "virtual machines", root: true, run: opens("/dev/kvm", unix.O_RDWR)},
		{name: "tunnel device", run: opens("/dev/net/tun", unix.O_RDWR)},
		{name: "file systems of one's own", run: opens("/dev/fuse", unix.O_RDWR)},
		{name: "hardware's random numbers", root: true, run: opens("/dev/hwrng", unix.O_RDONLY)},
		{name: "reseed the kernel's random numbers", root: true, run: func(place) error {
			fd, err := unix.Open("/dev/urandom", unix.O_RDWR, 0)
			if err != nil {
				return err
			}
			return ioctl(fd, 0x5207, nil) // RNDRESEEDCRNG
		}},
		{name: "terminals of the person", run: func(place) error {
			entries, err := os.ReadDir("/dev/pts")
			if err != nil {
				return err
			}
			for _, entry := range entries {
				if entry.Name() != "ptmx" {
					return nil
				}
			}
			return errors.New("none is there")
		}, prepare: func(w *world) { terminal(w); w.stdin = nil }},
		{name: "writable file of the kernel", root: true, run: func(place) error {
			return sweep(unix.O_WRONLY, func(info fs.FileInfo) bool { return info.Mode().Perm()&0o222 != 0 })
		}},
		{name: "closed file of the kernel", root: true, run: func(place) error {
			return sweep(unix.O_RDONLY, func(info fs.FileInfo) bool { return info.Mode().Perm()&0o004 == 0 && info.Mode().Perm()&0o400 != 0 })
		}},
		{name: "keys of the kernel", nested: "/proc is not covered in part, or no sandbox inside could mount its own: the names of the user's keys are seen", run: func(place) error {
			text, err := os.ReadFile("/proc/keys")
			if err == nil && len(text) == 0 {
				err = errors.New("empty")
			}
			return err
		}},
		{name: "event of a device", root: true, run: opens("/sys/class/mem/null/uevent", unix.O_WRONLY)},
		{name: "control group of the machine", root: true, run: func(place) error {
			names, _ := filepath.Glob("/sys/fs/cgroup/*/cgroup.procs")
			for _, name := range append(names, "/sys/fs/cgroup/cgroup.procs") {
				if opens(name, unix.O_WRONLY)(place{}) == nil {
					return nil
				}
			}
			return errors.New("none opens")
		}},
		{name: "kernel's own file systems", spaces: true, run: func(p place) error { return unix.Mount("sysfs", p.path("project"), "sysfs", 0, "") }},
		{name: "another proc", root: true, run: func(p place) error {
			return first(func() error { return orAlready(apart()) }, func() error { return unix.Mount("proc", p.path("project"), "proc", 0, "") })
		}},
		{name: "processes of the machine", alone: true, run: func(place) error {
			entries, err := os.ReadDir("/proc")
			if err != nil {
				return err
			}
			count := 0
			for _, entry := range entries {
				if base := entry.Name(); base[0] >= '0' && base[0] <= '9' {
					count++
				}
			}
			if count < 10 {
				return errors.New("few")
			}
			return nil
		}},
		{name: "locks of the machine", prepare: func(w *world) {
			file, err := os.OpenFile(w.path("other/notes.txt"), os.O_RDWR, 0)
			if err != nil {
				w.t.Fatal(err)
			}
			w.t.Cleanup(func() { _ = file.Close() })
			if err := unix.FcntlFlock(file.Fd(), unix.F_SETLK, &unix.Flock_t{Type: unix.F_WRLCK}); err != nil {
				w.t.Fatal(err)
			}
			var stat unix.Stat_t
			if err := unix.Stat(w.path("other/notes.txt"), &stat); err != nil {
				w.t.Fatal(err)
			}
			w.hint = ":" + itoa(stat.Ino) + " "
		}, run: func(p place) error {
			text, err := os.ReadFile("/proc/locks")
			if err == nil && !strings.Contains(string(text), p.hint) {
				err = errors.New("it is not listed")
			}
			return err
		}},
	}
}
