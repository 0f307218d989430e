package escape_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// open opens without a word of Go's own.
func open(name string, flags int) (int, error) { return unix.Open(name, flags|unix.O_CLOEXEC, 0o600) }

func fdPath(fd int) string { return fmt.Sprintf("/proc/self/fd/%d", fd) }

// holds reads a descriptor and looks for the secret.
func holds(fd int) error {
	buffer := make([]byte, 200)
	n, err := unix.Pread(fd, buffer, 0)
	if err != nil {
		return err
	}
	if !strings.Contains(string(buffer[:n]), secret) {
		return errors.New("something else")
	}
	return nil
}

// looking: Landlock has no word on names and attributes.
const looking = "a cage without mounts does not hide that a file is there, nor its size, times and attributes"

// accessAttempts look at what is not theirs, by ways that change nothing.
func accessAttempts() []try {
	return []try{
		{name: "read denied by odd spelling", denied: true, run: func(p place) error {
			last := errors.New("none")
			for _, name := range []string{"/project//secret///key", "/project/./secret/key", "/project/secret/../secret/key", "/shared/../project/secret/key", "/project/secret/./key"} {
				if last = reads(p.home + name); last == nil {
					return nil
				}
			}
			return last
		}},
		{name: "read denied through the root of a thread", denied: true, run: func(p place) error {
			return reads(fmt.Sprintf("/proc/self/task/%d/root%s", unix.Gettid(), p.path("project/secret/key")))
		}},
		{name: "read denied through the folder of a child", denied: true, run: func(p place) error {
			child, err := startSleeper(p.path("project"))
			if err != nil {
				return err
			}
			defer child.end()
			return reads(fmt.Sprintf("/proc/%d/cwd/secret/key", child.pid))
		}},
		{name: "read outside step by step", run: func(p place) error {
			at, err := open("/", unix.O_PATH|unix.O_DIRECTORY)
			if err != nil {
				return err
			}
			for part := range strings.SplitSeq(strings.TrimPrefix(p.path("other"), "/"), "/") {
				if at, err = unix.Openat(at, part, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0); err != nil {
					return err
				}
			}
			fd, err := unix.Openat(at, "notes.txt", unix.O_RDONLY, 0)
			if err != nil {
				return err
			}
			return holds(fd)
		}},
		{name: "read outside from inside its folder", run: func(p place) error {
			return first(func() error { return os.Chdir(p.path("other")) }, func() error { return reads("notes.txt") })
		}},
		{name: "read outside by many links", run: func(p place) error {
			target := p.path("other")
			for i := range 30 {
				link := p.path(fmt.Sprintf("project/l%d", i))
				if err := os.Symlink(target, link); err != nil {
					return err
				}
				target = link
			}
			return reads(target + "/notes.txt")
		}},
		{name: "read outside by a link to itself through proc", run: func(p place) error {
			return first(func() error { return os.Symlink("/proc/self/cwd/../other/notes.txt", p.path("project/l")) },
				func() error { return reads(p.path("project/l")) })
		}},
		{name: "read through a mapped file of another's", run: func(p place) error {
			fd, err := open(p.path("other/notes.txt"), unix.O_RDONLY)
			if err != nil {
				return err
			}
			data, err := unix.Mmap(fd, 0, len(secret), unix.PROT_READ, unix.MAP_SHARED)
			if err == nil && string(data) != secret {
				err = errors.New("something else")
			}
			return err
		}},
		{name: "copy outside by the kernel", run: func(p place) error {
			from, err := open(p.path("other/notes.txt"), unix.O_RDONLY)
			if err != nil {
				return err
			}
			to, err := open(p.path("project/copy"), unix.O_CREAT|unix.O_RDWR)
			if err != nil {
				return err
			}
			if _, err := unix.Sendfile(to, from, nil, 1000); err != nil {
				return err
			}
			return holds(to)
		}},
		{name: "size of outside", reduced: looking, run: func(p place) error {
			info, err := os.Stat(p.path("other/notes.txt"))
			if err == nil && info.Size() != int64(len(secret)) {
				err = errors.New("another size")
			}
			return err
		}},
		{name: "times of a file outside, read", reduced: looking, run: func(p place) error {
			var stat unix.Statx_t
			if err := unix.Statx(unix.AT_FDCWD, p.path("other/notes.txt"), unix.AT_STATX_DONT_SYNC, unix.STATX_ALL, &stat); err != nil {
				return err
			}
			if time.Since(time.Unix(stat.Mtime.Sec, 0)) > time.Hour {
				return errors.New("not its time")
			}
			return nil
		}},
		{name: "attributes by a path-only descriptor", reduced: looking, run: func(p place) error {
			fd, err := open(p.path("other/notes.txt"), unix.O_PATH)
			if err != nil {
				return err
			}
			var stat unix.Stat_t
			if err := unix.Fstat(fd, &stat); err != nil {
				return err
			}
			if stat.Size != int64(len(secret)) {
				return errors.New("another size")
			}
			return nil
		}},
		{name: "names in the home folder", run: func(p place) error {
			entries, err := os.ReadDir(p.home)
			if err != nil {
				return err
			}
			for _, entry := range entries {
				if entry.Name() == "other" || entry.Name() == ".ssh" {
					return nil
				}
			}
			return errors.New("only what leads on")
		}},
		{name: "names in a folder outside", run: func(p place) error { _, err := os.ReadDir(p.path("other")); return err }},
		{name: "text of a link outside", reduced: looking, prepare: func(w *world) {
			if err := os.Symlink(secret, w.path("other/link")); err != nil {
				w.t.Fatal(err)
			}
		}, run: func(p place) error {
			text, err := os.Readlink(p.path("other/link"))
			if err == nil && text != secret {
				err = errors.New("something else")
			}
			return err
		}},
		{name: "extended attribute of a file outside", reduced: looking, prepare: func(w *world) {
			if err := unix.Setxattr(w.path("other/notes.txt"), "user.secret", []byte(secret), 0); err != nil {
				w.t.Skip("the file system has no extended attributes: " + err.Error())
			}
		}, run: func(p place) error {
			buffer := make([]byte, 100)
			n, err := unix.Getxattr(p.path("other/notes.txt"), "user.secret", buffer)
			if err == nil && string(buffer[:n]) != secret {
				err = errors.New("something else")
			}
			return err
		}},
		{name: "extended attribute of a denied file", denied: true, prepare: func(w *world) {
			if err := unix.Setxattr(w.path("project/.env"), "user.secret", []byte(secret), 0); err != nil {
				w.t.Skip("the file system has no extended attributes: " + err.Error())
			}
		}, run: func(p place) error {
			_, err := unix.Getxattr(p.path("project/.env"), "user.secret", make([]byte, 100))
			return err
		}},
		{name: "access list of a file outside", reduced: looking, run: func(p place) error {
			return unix.Faccessat(unix.AT_FDCWD, p.path("other/notes.txt"), unix.R_OK, unix.AT_EACCESS)
		}},
		{name: "changes in a folder outside, watched", prepare: touching("other"), run: func(p place) error { return watches(p.path("other")) }},
		{name: "changes in a denied folder, watched", denied: true, prepare: touching("project/secret"), run: func(p place) error { return watches(p.path("project/secret")) }},
		{name: "read by a folder that another moved", prepare: func(w *world) {
			// The person moves a folder of theirs while the agent stands in it.
			moving(w, "project/stand", "other/stand")
		}, run: func(p place) error {
			fd, err := open(p.path("project/stand"), unix.O_PATH|unix.O_DIRECTORY)
			if err != nil {
				return err
			}
			if err := os.WriteFile(p.path("project/standing"), nil, 0o600); err != nil {
				return err
			}
			for range patience() / (10 * time.Millisecond) {
				if _, err := os.Lstat(p.path("project/stand")); err != nil {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
			up, err := unix.Openat(fd, "../notes.txt", unix.O_RDONLY, 0)
			if err != nil {
				return err
			}
			return holds(up)
		}},
		{name: "temporary file of the person", prepare: func(w *world) {
			name := "/tmp/" + filepath.Base(w.home)
			if err := os.WriteFile(name, []byte(secret), 0o600); err != nil {
				w.t.Fatal(err)
			}
			w.t.Cleanup(func() { _ = os.Remove(name) })
		}, run: func(p place) error { return reads("/tmp/" + filepath.Base(p.home)) }},
		{name: "shared memory of the person", prepare: func(w *world) {
			name := "/dev/shm/" + filepath.Base(w.home)
			if err := os.WriteFile(name, []byte(secret), 0o600); err != nil {
				w.t.Fatal(err)
			}
			w.t.Cleanup(func() { _ = os.Remove(name) })
		}, run: func(p place) error { return reads("/dev/shm/" + filepath.Base(p.home)) }},
		{name: "lock of a file that may only be read", known: "whoever may read a file may lock it: flock asks for nothing more", reduced: "the same", run: func(p place) error {
			fd, err := open(p.path("shared/lib.txt"), unix.O_RDONLY)
			if err != nil {
				return err
			}
			return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
		}},
	}
}

// touching keeps making and removing a file in a folder until the test ends.
func touching(folder string) func(*world) {
	return func(w *world) {
		while(w, func() {
			_ = os.WriteFile(w.path(folder+"/tick"), nil, 0o600)
			_ = os.Remove(w.path(folder + "/tick"))
		})
	}
}

// while calls a function every 10 ms until the test ends.
func while(w *world, do func()) {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
				do()
			}
		}
	}()
	w.t.Cleanup(func() { close(stop); <-done })
}

// moving moves a folder once the attempt says that it stands in it.
func moving(w *world, from, to string) {
	if err := os.Mkdir(w.path(from), 0o700); err != nil {
		w.t.Fatal(err)
	}
	while(w, func() {
		if _, err := os.Lstat(w.path("project/standing")); err == nil {
			_ = os.Rename(w.path(from), w.path(to))
		}
	})
}

// watches waits for word of a change.
func watches(folder string) error {
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		return err
	}
	if _, err := unix.InotifyAddWatch(fd, folder, unix.IN_ALL_EVENTS); err != nil {
		return err
	}
	patience := 20 * time.Second
	if inside() {
		patience = 400 * time.Millisecond
	}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		buffer := make([]byte, 4096)
		if n, err := unix.Read(fd, buffer); err == nil && n > 0 && strings.Contains(string(buffer[:n]), "tick") {
			return nil
		}
	}
	return errors.New("nothing was seen")
}
